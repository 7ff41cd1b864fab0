"""Apply: new, repeated, in place, refused, and again after a stop."""

import asyncio
from collections.abc import Sequence

import pytest

from perdure.errors import ImageNotFound, NoCapacity, PlanChanged, Refused
from spec.plan import Change, PlanAction
from spec.status import ReplicaPhase, RunPhase
from tests.workflows.runtime import fake_gpus
from tests.workflows.stage import Stage


async def test_replicas_change_in_place_and_a_stop_leaves_nothing(at_work: Stage) -> None:
    first = await at_work.apply("web", key="a")
    assert await at_work.apply("web", key="a") == first
    await at_work.until_ready("web", 1)
    for count in (3, 1):
        await at_work.apply("web", replicas=count)
        await at_work.until_ready("web", count)
    status = await at_work.stop("web")
    assert (status.status, status.status_message) == (RunPhase.TERMINATED, "stopped")
    assert not at_work.runtime.containers


async def test_many_replicas_of_a_large_configuration_start(at_work: Stage) -> None:
    """20 starts of it in one step would be more than the 4 MB that Temporal takes at once."""
    await at_work.apply("web", replicas=20, commands=["serve", f"echo {'x' * 220_000}"])
    await at_work.until_ready("web", 20)
    await at_work.stop("web", abort=True)
    assert not at_work.runtime.containers


async def test_many_replicas_start_eight_by_eight(at_work: Stage) -> None:
    await at_work.apply("web", replicas=12)
    await at_work.until_ready("web", 12)
    await at_work.stop("web", abort=True)
    assert not at_work.runtime.containers


async def test_the_same_name_lives_again_after_each_stop(at_work: Stage) -> None:
    lives = set()
    for _ in range(4):
        accepted = await at_work.apply("web", replicas=2)
        lives.add(accepted.incarnation)
        await at_work.until_ready("web", 2)
        await at_work.stop("web", abort=True)
    assert len(lives) == 4
    assert len(set(at_work.runtime.started)) == 8
    assert not at_work.runtime.containers


async def test_two_applies_while_it_stops_reach_one_new_life(at_work: Stage) -> None:
    old = await at_work.apply("web")
    await at_work.until_ready("web", 1)
    gate = at_work.runtime.hold("remove")
    await at_work.runs.stop("main", "web")
    both = asyncio.gather(at_work.apply("web"), at_work.apply("web"))
    gate.set()
    lives = {accepted.incarnation for accepted in await both}
    assert len(lives) == 1
    assert old.incarnation not in lives
    await at_work.until_ready("web", 1)
    assert len(at_work.runtime.containers) == 1


async def test_a_plan_tells_how_each_change_reaches_a_living_run(at_work: Stage) -> None:
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    plan = await at_work.plan("web", image="other", replicas=2)
    assert [(each.field, each.change) for each in plan.changes] == [
        ("replicas", Change.IN_PLACE),
        ("image", Change.BY_REPLACEMENT),
    ]
    assert plan.refusals == ()


async def test_what_is_not_built_is_refused_by_plan_and_apply_alike(at_work: Stage) -> None:
    plan = await at_work.plan("web", docker=True)
    assert [each.message for each in plan.refusals] == ["`docker: true` is not supported yet."]
    with pytest.raises(Refused, match="`docker: true` is not supported yet"):
        await at_work.apply("web", docker=True)
    await at_work.apply("web")
    await at_work.until_ready("web", 1)


async def test_a_plan_of_what_has_changed_since_is_refused(at_work: Stage) -> None:
    plan = await at_work.plan("web")
    assert plan.action is PlanAction.CREATE
    await at_work.apply("web", check=plan.check)
    with pytest.raises(PlanChanged):
        await at_work.apply("web", check=plan.check, replicas=2)
    again = await at_work.plan("web", replicas=2)
    assert again.action is PlanAction.UPDATE
    await at_work.apply("web", check=again.check, replicas=2)
    await at_work.until_ready("web", 2)


async def test_a_range_of_replicas_starts_at_its_minimum(at_work: Stage) -> None:
    scaling = {"metric": "rps", "target": 10}
    plan = await at_work.plan("web", replicas="0..4", scaling=scaling)
    assert plan.warnings == ()
    await at_work.apply("web", replicas="2..4", scaling=scaling)
    await at_work.until_ready("web", 2)


async def test_a_run_of_zero_replicas_waits_for_the_next_apply(at_work: Stage) -> None:
    await at_work.apply("web", replicas=0)
    assert (await at_work.status("web")).replicas == ()
    await at_work.apply("web", replicas=1)
    await at_work.until_ready("web", 1)


async def test_the_only_replica_that_exits_fails_the_run(at_work: Stage) -> None:
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    (container,) = at_work.runtime.containers.values()
    container.end(3)
    status = await at_work.until_ended("web")
    assert (status.status, status.status_message) == (RunPhase.FAILED, "exited (3)")
    assert not at_work.runtime.containers


async def test_with_others_alive_the_run_goes_on_and_the_slot_stays_empty(at_work: Stage) -> None:
    await at_work.apply("web", replicas=2)
    await at_work.until_ready("web", 2)
    next(iter(at_work.runtime.containers.values())).end(1)

    async def shows(text: str) -> None:
        async with asyncio.timeout(20):
            async for status in at_work.runs.watch("main", "web"):
                if text in status.status_message:
                    return

    await shows("1/2 ready; exited (1)")
    assert len(at_work.runtime.started) == 2
    await at_work.apply("web", replicas=2)
    await at_work.until_ready("web", 2)
    assert len(at_work.runtime.started) == 3


async def test_a_run_whose_replicas_all_exit_0_is_done(at_work: Stage) -> None:
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    next(iter(at_work.runtime.containers.values())).end(0)
    assert (await at_work.until_ended("web")).status is RunPhase.DONE


async def test_an_image_that_is_not_there_fails_the_run_with_that_reason(at_work: Stage) -> None:
    at_work.runtime.fail("pull", ImageNotFound("There is no image `nope`.", hint="Look again."))
    await at_work.apply("web", image="nope")
    status = await at_work.until_ended("web")
    assert (status.status, status.status_message) == (RunPhase.FAILED, "image pull failed")
    [replica] = status.replicas
    assert replica.status is ReplicaPhase.FAILED
    assert replica.message == "image pull failed: There is no image `nope`."
    assert (replica.code, replica.hint) == ("image_not_found", "Look again.")


async def test_a_log_over_its_quota_ends_a_replica_that_is_not_ready_yet(
    at_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_work.store.logs, "_quota", 0)
    await at_work.apply("web", model="a model that nothing here answers for")
    status = await at_work.until_ended("web")
    assert (status.status, status.status_message) == (RunPhase.FAILED, "log quota exceeded")
    assert [replica.code for replica in status.replicas] == ["log_quota_exceeded"]
    assert at_work.runtime.containers == {}


async def test_no_offer_fails_the_run_with_no_capacity(at_work: Stage) -> None:
    plan = await at_work.plan("web", resources={"gpu": "A100"})
    assert "`gpu: A100:1` is asked for, it has no GPU free" in plan.refusals[0].message
    await at_work.apply("web", resources={"gpu": "A100"})
    status = await at_work.until_ended("web")
    assert (status.status, status.status_message) == (RunPhase.FAILED, "no capacity")


async def test_a_gpu_belongs_to_one_replica_at_a_time(at_work: Stage) -> None:
    at_work.runtime.gpus = fake_gpus(2)
    await at_work.apply("web", resources={"gpu": "A100"}, replicas=2)
    await at_work.until_ready("web", 2)
    given = [container.job.gpus for container in at_work.runtime.containers.values()]
    assert sorted(given) == [("GPU-0",), ("GPU-1",)]
    assert (await at_work.plan("more", resources={"gpu": 1})).refusals
    await at_work.stop("web")
    assert not (await at_work.plan("more", resources={"gpu": 2})).refusals


@pytest.fixture
def rival(at_work: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody takes the GPUs that are chosen first, just before they are claimed."""
    claim, rivals = at_work.store.gpus.claim, ["rival"]

    async def late(host: str, token: str, ids: Sequence[str]) -> None:
        while rivals:
            await claim(host, rivals.pop(), ids)
        await claim(host, token, ids)

    monkeypatch.setattr(at_work.store.gpus, "claim", late)


@pytest.mark.usefixtures("rival")
async def test_for_a_gpu_that_was_taken_meanwhile_another_is_chosen(at_work: Stage) -> None:
    at_work.runtime.gpus = fake_gpus(2)
    await at_work.apply("web", resources={"gpu": "A100"})
    await at_work.until_ready("web", 1)
    (container,) = at_work.runtime.containers.values()
    assert container.job.gpus == ("GPU-1",)


@pytest.mark.usefixtures("rival")
async def test_without_another_gpu_there_is_no_capacity(at_work: Stage) -> None:
    at_work.runtime.gpus = fake_gpus(1)
    await at_work.apply("web", resources={"gpu": "A100"})
    assert (await at_work.until_ended("web")).status_message == "no capacity"


async def test_a_create_that_finds_no_capacity_says_so(at_work: Stage) -> None:
    at_work.runtime.fail("start", NoCapacity("The machine is full."))
    await at_work.apply("web")
    assert (await at_work.until_ended("web")).status_message == "no capacity"
