"""Continue-as-new: what a run knows, and who speaks to it, survive it."""

import asyncio
from dataclasses import replace

import pytest

from engine.converter import is_public
from engine.ids import ROUTE_MEMO, STATUS_MEMO
from engine.runs import Runs
from spec.route import RouteTable
from spec.run_status import RunStatus
from spec.status import RunPhase
from tests.testbed.deadline import eventually
from tests.workflows.stage import Stage


@pytest.fixture
def renewing(at_work: Stage) -> Stage:
    """Runs are renewed after each few steps."""
    return replace(at_work, runs=Runs(at_work.client, renew_after_events=25))


async def scale(stage: Stage, *counts: int) -> None:
    for count in counts:
        await stage.apply("web", replicas=count)
        await stage.until_ready("web", count)


async def renewals(stage: Stage) -> int:
    """How often the present life of `web` was continued as new."""
    found = stage.client.list_workflows("RunName = 'web' AND ExecutionStatus = 'ContinuedAsNew'")
    return len([each async for each in found])


async def test_a_renewed_run_keeps_its_replicas_and_hears_them(renewing: Stage) -> None:
    await renewing.apply("web", key="a")
    await renewing.until_ready("web", 1)
    await scale(renewing, 3, 1, 2)
    assert await renewals(renewing) > 0
    first, *_ = renewing.runtime.started
    assert first in renewing.runtime.containers
    renewing.runtime.containers[first].end(1)

    async def hears() -> bool:
        return (await renewing.status("web")).status_message == "1/2 ready; exited (1)"

    await eventually(hears, "the renewed run hears of the exit")
    assert (await renewing.stop("web")).status is RunPhase.TERMINATED
    assert not renewing.runtime.containers


async def test_a_renewed_run_still_knows_the_answers_it_gave(renewing: Stage) -> None:
    first = await renewing.apply("web", key="a")
    await renewing.until_ready("web", 1)
    await scale(renewing, 2, 1)
    assert await renewals(renewing) > 0
    assert await renewing.apply("web", key="a", replicas=9) == first
    status = await renewing.status("web")
    assert (status.desired, status.incarnation) == (1, first.incarnation)


async def test_the_memo_of_a_renewed_run_is_readable_without_a_key(renewing: Stage) -> None:
    accepted = await renewing.apply("web")
    await renewing.until_ready("web", 1)
    await scale(renewing, 2, 1)

    async def is_quiet() -> bool:
        before = await renewals(renewing)
        await asyncio.sleep(0.1)
        return 0 < before == await renewals(renewing)

    await eventually(is_quiet, "it was renewed")
    described = await renewing.runs.handle("main", "web").describe()
    memo = described.raw_description.workflow_execution_info.memo.fields
    assert all(is_public(memo[key]) for key in (ROUTE_MEMO, STATUS_MEMO))
    route = RouteTable.model_validate_json(memo[ROUTE_MEMO].data)
    assert [each.state for each in route.replicas] == ["ready"]
    assert route.incarnation == accepted.incarnation
    assert RunStatus.model_validate_json(memo[STATUS_MEMO].data).ready == 1
