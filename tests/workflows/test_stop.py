"""Stop: draining, aborting, in every phase; and what operators do behind our back."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import PendingActivityState

from perdure.errors import HostError, NotFound
from spec.feed import ProxyLease
from spec.sealed import SealedValues
from spec.status import ReplicaPhase, RunPhase
from tests.testbed.deadline import eventually
from tests.workflows.stage import Stage


async def test_a_stop_while_the_image_is_pulled_leaves_nothing(at_work: Stage) -> None:
    gate = at_work.runtime.hold("pull")
    await at_work.apply("web")
    await at_work.until_phase("web", RunPhase.PULLING)
    status = await at_work.stop("web")
    gate.set()
    assert (status.status, status.status_message) == (RunPhase.TERMINATED, "stopped")
    assert not at_work.runtime.started


async def test_a_stop_while_the_container_is_started_leaves_nothing(at_work: Stage) -> None:
    gate = at_work.runtime.hold("start")
    await at_work.apply("web")
    await at_work.until_phase("web", RunPhase.PULLING)
    await at_work.runs.stop("main", "web")
    gate.set()
    assert (await at_work.until_ended("web")).status is RunPhase.TERMINATED
    assert not at_work.runtime.containers


async def test_a_stop_while_a_step_waits_to_be_tried_again_leaves_nothing(at_work: Stage) -> None:
    """Temporal says of such a step, in words that bear no mark of ours, that it never began."""
    for _ in range(8):
        at_work.runtime.fail("start", HostError("The engine is away.", hint="Start it."))
    await at_work.apply("web")
    state = await at_work.runs.state("main", "web")
    assert state is not None
    replica = at_work.client.get_workflow_handle(state.records[0].id)

    async def is_waiting() -> bool:
        described = await replica.describe()
        return any(
            each.activity_type.name == "start_container"
            and each.attempt > 3  # the pause is four seconds now
            and each.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
            for each in described.raw_description.pending_activities
        )

    await eventually(is_waiting, "the start waits to be tried again")
    assert (await at_work.stop("web")).status is RunPhase.TERMINATED
    assert not at_work.runtime.containers


async def test_sigterm_has_the_time_that_is_left(at_work: Stage) -> None:
    await at_work.apply("web", stop_duration=60)
    await at_work.until_ready("web", 1)
    await at_work.stop("web")
    ((_, grace),) = at_work.runtime.stopped
    assert 10 < grace <= 60


async def test_an_abort_kills_at_once(at_work: Stage) -> None:
    await at_work.apply("web", stop_duration=60)
    await at_work.until_ready("web", 1)
    status = await at_work.stop("web", abort=True)
    assert status.status_message == "aborted"
    assert [grace for _, grace in at_work.runtime.stopped] == [0.0]


async def test_an_abort_hurries_a_stop_that_waits_for_a_proxy(at_work: Stage) -> None:
    await at_work.apply("web", stop_duration=3_600)
    await at_work.until_ready("web", 1)
    await at_work.store.leases.renew("silent", ProxyLease(stats="unix:///nowhere.sock"))
    await at_work.runs.stop("main", "web")
    await at_work.until_phase("web", RunPhase.TERMINATING)
    status = await at_work.stop("web", abort=True)
    assert (status.status, status.status_message) == (RunPhase.TERMINATED, "aborted")


async def test_an_abort_kills_what_does_not_hear_sigterm(at_work: Stage) -> None:
    at_work.runtime.is_deaf = True
    await at_work.apply("web", stop_duration=3_600)
    await at_work.until_ready("web", 1)
    await at_work.runs.stop("main", "web")

    async def is_told() -> bool:
        return bool(at_work.runtime.stopped)

    await eventually(is_told, "SIGTERM was sent")
    status = await at_work.stop("web", abort=True)
    assert (status.status, status.status_message) == (RunPhase.TERMINATED, "aborted")
    (_, patient), (_, impatient) = at_work.runtime.stopped
    assert patient > 3_000
    assert impatient == 0


async def test_a_replica_leaves_the_routes_before_it_is_stopped(at_work: Stage) -> None:
    await at_work.apply("web", replicas=2, stop_duration=3_600)
    await at_work.until_ready("web", 2)
    await at_work.store.leases.renew("silent", ProxyLease(stats="unix:///nowhere.sock"))
    await at_work.apply("web", replicas=1, stop_duration=3_600)

    async def is_draining() -> bool:
        route = await at_work.runs.route("main", "web")
        return [replica.state.value for replica in route.replicas] == ["ready", "draining"]

    await eventually(is_draining, "one replica is marked draining")
    assert at_work.runtime.stopped == []
    assert len(at_work.runtime.containers) == 2
    await at_work.stop("web", abort=True)


async def test_a_silent_proxy_is_waited_for_until_the_deadline(at_work: Stage) -> None:
    await at_work.apply("web", stop_duration=2)
    await at_work.until_ready("web", 1)
    await at_work.store.leases.renew("silent", ProxyLease(stats="unix:///nowhere.sock"))
    asked = datetime.now(UTC)
    await at_work.stop("web")
    assert datetime.now(UTC) - asked >= timedelta(seconds=1.9)


async def test_a_cancellation_in_the_temporal_ui_is_a_stop(at_work: Stage) -> None:
    await at_work.apply("web", replicas=2)
    await at_work.until_ready("web", 2)
    await at_work.runs.handle("main", "web").cancel()
    assert (await at_work.until_ended("web")).status is RunPhase.TERMINATED
    assert not at_work.runtime.containers


async def test_replicas_of_a_terminated_run_release_themselves(at_work: Stage) -> None:
    await at_work.apply("web", replicas=2)
    await at_work.until_ready("web", 2)
    await at_work.runs.handle("main", "web").terminate("by an operator")

    async def nothing_is_left() -> bool:
        return not at_work.runtime.containers

    await eventually(nothing_is_left, "both replicas are released")


async def test_a_cancelled_replica_releases_what_it_has(at_work: Stage) -> None:
    await at_work.apply("web", replicas=2)
    await at_work.until_ready("web", 2)
    state = await at_work.runs.state("main", "web")
    assert state is not None
    await at_work.client.get_workflow_handle(state.records[0].id).cancel()

    async def one_is_left() -> bool:
        return len(at_work.runtime.containers) == 1

    await eventually(one_is_left, "the cancelled replica is gone")
    assert (await at_work.status("web")).status is RunPhase.RUNNING


async def test_what_was_sealed_for_a_run_is_forgotten_at_its_end(at_work: Stage) -> None:
    await at_work.store.envelopes.put("e-1", "main", "web", SealedValues(env={"A": "b"}))
    await at_work.apply("web", sealed="e-1", env=["A"])
    await at_work.until_ready("web", 1)
    (container,) = at_work.runtime.containers.values()
    assert container.job.env["A"] == "b"
    await at_work.stop("web")
    with pytest.raises(NotFound):
        await at_work.store.envelopes.open("e-1", "main", "web")


async def test_a_stopped_run_tells_what_became_of_its_replicas(at_work: Stage) -> None:
    await at_work.apply("web", replicas=2)
    await at_work.until_ready("web", 2)
    status = await at_work.stop("web")
    assert [replica.status for replica in status.replicas] == [ReplicaPhase.TERMINATED] * 2
