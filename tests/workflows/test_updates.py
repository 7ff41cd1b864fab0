"""What replicas are made of changes by turns, and is undone when the new ones cannot serve."""

from engine.runs import Runs
from perdure.errors import ContainerCreateFailed, ImageNotFound
from spec.pauses import Pauses
from spec.run_status import RunStatus
from spec.status import EndReason, RunPhase
from tests.testbed.deadline import eventually
from tests.workflows.stage import PROJECT, Stage

SHORT = Pauses(retry=(1,))


async def until_updated(stage: Stage, deployment: int) -> RunStatus:
    """Wait until this deployment serves, and nothing older is left."""

    async def holds() -> bool:
        status = await stage.status("web")
        return status.deployment == deployment and not status.updating

    await eventually(holds, f"deployment {deployment} has taken over")
    return await stage.status("web")


async def until_reverted(stage: Stage, revision: int) -> RunStatus:
    """Wait until the update to this revision is undone."""

    async def holds() -> bool:
        status = await stage.status("web")
        return status.reverted is not None and status.reverted.revision == revision

    await eventually(holds, f"revision {revision} is undone")
    return await stage.status("web")


async def test_an_update_replaces_replicas_by_turns(at_work: Stage) -> None:
    first = await at_work.apply("web", replicas=2, image="one")
    before = await at_work.until_ready("web", 2)
    second = await at_work.apply("web", replicas=2, image="two")
    assert (first.revision, second.revision) == (1, 2)
    after = await until_updated(at_work, 2)
    assert {replica.deployment for replica in after.replicas} == {2}
    assert after.ready == before.ready == 2
    assert len(at_work.runtime.started) == 4
    assert len(at_work.runtime.containers) == 2


async def test_an_update_that_cannot_serve_is_undone(at_work: Stage) -> None:
    await at_work.apply("web", image="good")
    await at_work.until_ready("web", 1)
    (kept,) = at_work.runtime.containers
    at_work.runtime.fail("pull", ImageNotFound("There is no image `bad`."))
    await at_work.apply("web", image="bad")
    status = await until_reverted(at_work, 2)
    assert status.reverted is not None
    assert status.reverted.message == "image pull failed: There is no image `bad`."
    assert (status.status, status.ready) == (RunPhase.RUNNING, 1)
    assert tuple(at_work.runtime.containers) == (kept,)
    assert (status.revision, status.deployment) == (3, 1)


async def test_another_apply_takes_an_update_over(at_work: Stage) -> None:
    await at_work.apply("web", image="one")
    await at_work.until_ready("web", 1)
    gate = at_work.runtime.hold("pull")
    await at_work.apply("web", image="two")
    await at_work.apply("web", image="three")
    gate.set()
    status = await until_updated(at_work, 3)
    assert status.ready == 1
    assert len(at_work.runtime.containers) == 1


async def test_what_does_not_concern_containers_changes_in_place(at_work: Stage) -> None:
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    await at_work.apply("web", auth=False, stop_duration=7)
    status = await at_work.status("web")
    assert (status.revision, status.deployment, status.updating) == (2, 1, False)
    assert not (await at_work.runs.route(PROJECT, "web")).auth
    assert len(at_work.runtime.started) == 1


async def test_a_replica_that_fails_is_tried_again(at_work: Stage) -> None:
    at_work.runs = Runs(at_work.client, pauses=SHORT)
    at_work.runtime.fail("start", ContainerCreateFailed("There is no room."))
    await at_work.apply("web", retry=True)
    waiting = await at_work.until_phase("web", RunPhase.PENDING)
    assert waiting.status_message == "retrying; container could not be created"
    await at_work.until_ready("web", 1)
    (container,) = at_work.runtime.containers.values()
    container.end(3)
    await eventually(lambda: len(at_work.runtime.started) == 2, "it is started again")
    await at_work.until_ready("web", 1)


async def test_a_window_that_is_over_ends_the_run(at_work: Stage) -> None:
    at_work.runs = Runs(at_work.client, pauses=SHORT)
    for _ in range(5):
        at_work.runtime.fail("start", ContainerCreateFailed("There is no room."))
    await at_work.apply("web", retry={"duration": 2})
    ended = await at_work.until_ended("web")
    assert (ended.status, ended.reason) == (RunPhase.FAILED, EndReason.CONTAINER_NOT_CREATED)


async def test_a_run_stops_when_its_time_is_over(at_work: Stage) -> None:
    await at_work.apply("web", max_duration=1)
    ended = await at_work.until_ended("web")
    assert (ended.status, ended.status_message) == (RunPhase.TERMINATED, "max duration")
    assert not at_work.runtime.containers
