"""What the API asks of Temporal, against a real server and worker."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.client import connect, public_codec
from engine.converter import PublicCodec
from engine.ids import Queue, WorkflowType
from engine.runs import Runs
from perdure.errors import Conflict, NotFound, Refused, Unavailable
from spec.names import run_id
from spec.run import RunStart
from spec.run_status import RunStatus
from spec.scale import ScaleRequest
from spec.status import RunPhase
from tests.engine.fixed_keys import fixed
from tests.testbed.deadline import eventually
from tests.workflows.conftest import at_work as at_work
from tests.workflows.conftest import recorder as recorder
from tests.workflows.conftest import stage as stage
from tests.workflows.stage import Stage

with_cache = pytest.mark.parametrize("at_work", [1_000], ids=["cached"], indirect=True)


@with_cache
async def test_one_key_is_applied_once_however_often_it_is_sent(at_work: Stage) -> None:
    same = await asyncio.gather(*(at_work.apply("web", key="k", replicas=2) for _ in range(5)))
    assert len({each.revision for each in same}) == 1
    other = await at_work.apply("web", key="l", replicas=2)
    assert (other.revision, other.incarnation) == (2, same[0].incarnation)


@with_cache
async def test_what_a_key_was_answered_can_be_asked_for_while_the_run_lives_and_after(
    at_work: Stage,
) -> None:
    runs = at_work.runs
    assert await runs.answer_to("main", "web", "a") is None
    first = await at_work.apply("web", key="a")
    await at_work.until_ready("web", 1)
    assert await runs.answer_to("main", "web", "a") == first
    await at_work.stop("web", abort=True)
    assert await runs.answer_to("main", "web", "a") == first
    assert await runs.answer_to("main", "web", "b") is None
    with pytest.raises(Refused):
        await at_work.apply("web", key="refused", priority=50)
    assert await runs.answer_to("main", "web", "refused") is None


@pytest.mark.long
@with_cache
async def test_a_later_life_and_a_renewal_leave_the_answers_of_before(at_work: Stage) -> None:
    """Each execution has its own; the list of them follows what is true by some milliseconds."""
    at_work = replace(at_work, runs=Runs(at_work.client, renew_after_events=25))
    answers = {}
    for life in ("x", "y"):
        answers[life] = await at_work.apply("web", key=life)
        await at_work.until_ready("web", 1)
        for count in (3, 1, 2):
            await at_work.apply("web", replicas=count)
            await at_work.until_ready("web", count)
        await at_work.stop("web", abort=True)
    assert answers["x"].incarnation != answers["y"].incarnation

    async def are_known() -> bool:
        found = {key: await at_work.runs.answer_to("main", "web", key) for key in answers}
        return found == answers

    await eventually(are_known, "the answers of both lives are found")
    renewed = "WorkflowId = 'run/main/web' AND ExecutionStatus = 'ContinuedAsNew'"

    async def are_renewed() -> bool:
        return (await at_work.client.count_workflows(renewed)).count >= 2

    await eventually(are_renewed, "the list has those that were renewed")


async def test_a_stop_that_no_worker_takes_up_is_told_in_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runs.STOP_TIME", timedelta(seconds=1))
    await stage.client.start_workflow(
        WorkflowType.RUN,
        RunStart(project="main", name="web"),
        id=run_id("main", "web"),
        task_queue=Queue.CONTROL,
    )
    with pytest.raises(Unavailable, match="No worker has taken up the stop of `web` in 1 s"):
        await stage.runs.stop("main", "web")


@with_cache
async def test_the_number_of_replicas_is_set_and_taken_back(at_work: Stage) -> None:
    runs = at_work.runs
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    status = await runs.scale("main", "web", ScaleRequest(replicas=2, seconds=3600))
    assert (status.desired, status.override and status.override.replicas) == (2, 2)
    await at_work.until_ready("web", 2)
    with pytest.raises(Refused, match="Too many replicas, 101"):
        await runs.scale("main", "web", ScaleRequest(replicas=101))
    status = await runs.scale("main", "web", ScaleRequest())
    assert (status.desired, status.override) == (1, None)
    await at_work.until_ready("web", 1)


@with_cache
async def test_what_does_not_live_is_not_scaled(at_work: Stage) -> None:
    runs, request = at_work.runs, ScaleRequest(replicas=2)
    with pytest.raises(NotFound, match="There is no run `web`"):
        await runs.scale("main", "web", request)
    await at_work.apply("web")
    await at_work.stop("web", abort=True)
    with pytest.raises(Conflict, match="The run `web` is not running"):
        await runs.scale("main", "web", request)


async def test_a_scaling_that_no_worker_takes_up_is_told_in_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runs.SCALE_TIME", timedelta(seconds=1))
    await stage.client.start_workflow(
        WorkflowType.RUN,
        RunStart(project="main", name="web"),
        id=run_id("main", "web"),
        task_queue=Queue.CONTROL,
    )
    with pytest.raises(Unavailable, match="No worker has taken up the scaling of `web` in 1 s"):
        await stage.runs.scale("main", "web", ScaleRequest(replicas=2))


@with_cache
async def test_whether_a_run_lives_is_told_without_a_list(at_work: Stage) -> None:
    runs = at_work.runs
    assert not await runs.lives("main", "web")
    await at_work.apply("web")
    assert await runs.lives("main", "web")
    await at_work.stop("web", abort=True)
    assert not await runs.lives("main", "web")


@with_cache
async def test_a_run_can_be_watched_from_its_first_step_to_its_last(at_work: Stage) -> None:
    await at_work.apply("web")
    seen: list[RunStatus] = []
    async with asyncio.timeout(30):
        async for status in at_work.runs.watch("main", "web", pause=0.01):
            if status.ready and not any(each.ready for each in seen):
                await at_work.runs.stop("main", "web", abort=True)
            seen.append(status)
    phases = list(dict.fromkeys(each.status for each in seen))
    assert phases[-2:] == [RunPhase.TERMINATING, RunPhase.TERMINATED]
    assert RunPhase.RUNNING in phases
    assert phases == sorted(phases, key=list(RunPhase).index)


@with_cache
async def test_runs_are_listed_by_project_with_or_without_the_finished(at_work: Stage) -> None:
    await at_work.apply("first")
    await at_work.until_ready("first", 1)
    await at_work.apply("second")
    await at_work.until_ready("second", 1)
    await at_work.stop("first", abort=True)

    async def names(project: str | None, *, finished: bool = False) -> list[str]:
        found = await at_work.runs.statuses(project, include_finished=finished)
        return [status.name for status in found]

    async def lists(wanted: list[str], project: str | None, *, finished: bool = False) -> None:
        """Visibility follows what is true by some milliseconds."""
        async with asyncio.timeout(10):
            while await names(project, finished=finished) != wanted:
                await asyncio.sleep(0.02)

    await lists(["second"], "main")
    await lists(["second"], None)
    await lists(["second", "first"], "main", finished=True)
    await lists([], "other", finished=True)


@with_cache
async def test_what_does_not_exist_is_not_found(at_work: Stage) -> None:
    runs = at_work.runs
    with pytest.raises(NotFound, match="There is no run `web` in the project `main`"):
        await runs.stop("main", "web")
    with pytest.raises(NotFound):
        await anext(runs.watch("main", "web"))
    assert await runs.status("main", "web") is None
    assert await runs.state("main", "web") is None
    await at_work.apply("web")


@with_cache
async def test_a_finished_run_has_a_status_and_no_state(at_work: Stage) -> None:
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    assert (await at_work.stop("web", abort=True)).status is RunPhase.TERMINATED
    assert await at_work.runs.state("main", "web") is None
    assert (await at_work.runs.stop("main", "web")).status is RunPhase.TERMINATED


@with_cache
async def test_a_reader_without_the_master_key_sees_statuses(at_work: Stage) -> None:
    await at_work.apply("web", model="llama")
    await at_work.until_phase("web", RunPhase.RUNNING)
    reader = Runs(await connect(public_codec(at_work.settings), patient=False))
    status = await reader.status("main", "web")
    assert status is not None
    assert (status.status, status.model) == (RunPhase.RUNNING, "llama")


async def test_a_server_that_does_not_answer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        await connect(PublicCodec(fixed(bytes(32))), patient=False)
