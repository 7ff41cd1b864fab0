"""The time that a run may take."""

from datetime import timedelta

import pytest

from policy.limits import limited, next_limit
from policy.reconcile import reconcile
from policy.transitions import stopped
from policy.views import run_status
from spec.run import RunState
from spec.status import EndReason, RunPhase
from tests.policy.making import NOW, record, run, spec

END = NOW + timedelta(hours=1)
LIMITED = run(spec(max_duration="1h"), ready_at=NOW, records=(record(phase="running"),))


def test_the_time_counts_from_when_a_replica_was_ready_first() -> None:
    assert next_limit(LIMITED) == END
    assert reconcile(LIMITED, NOW).due == END


@pytest.mark.parametrize(
    "state",
    [
        run(),
        run(spec(), ready_at=NOW),
        run(spec(max_duration="off"), ready_at=NOW),
        run(spec(max_duration="1h")),
        run(spec(max_duration="1h"), ready_at=NOW, elastic=False),
        stopped(LIMITED, NOW, abort=False),
    ],
    ids=["not applied", "not asked", "off", "never ready", "an old run", "it stops already"],
)
def test_some_runs_have_no_end(state: RunState) -> None:
    assert next_limit(state) is None
    assert limited(state, END) is state


def test_a_run_whose_time_is_over_drains_and_says_why() -> None:
    state = limited(LIMITED, END)
    assert state.stop is not None
    assert (state.stop.reason, state.stop.abort) == (EndReason.MAX_DURATION, False)
    assert state.decisions[-1].outcome == "It stops: its `max_duration` of 1h is over."
    assert run_status(state, RunPhase.TERMINATED).reason is EndReason.MAX_DURATION
    assert limited(LIMITED, END - timedelta(seconds=1)) is LIMITED


def test_a_shorter_time_that_is_over_already_ends_it_at_once() -> None:
    shorter = LIMITED.model_copy(update={"spec": spec(max_duration="1m")})
    assert reconcile(shorter, NOW + timedelta(minutes=2)).state.stop is not None
