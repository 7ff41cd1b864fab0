"""`apply` on a living run: how the update gets on, how it ends, and with which exit code."""

from pathlib import Path
from typing import Any

import pytest

from cli.updating import Course, course
from spec.plan import Change, FieldChange, PlanAction
from spec.run import Accepted
from spec.run_status import RevertedStatus
from spec.status import ReplicaPhase, RunPhase
from spec.submission import ReplicaView, RunView
from tests.cli.conftest import Perdure, Said
from tests.cli.fake_server import LONG_AGO, URL, FakeServer, plan, replica, run
from tests.cli.screen import CTRL_C, shown_blocks, terminal

ACCEPTED = Accepted(run="llm", incarnation="", revision=3, replicas=2)
UPDATE = plan(
    action=PlanAction.UPDATE,
    changes=(FieldChange(field="image", old="a", new="b", change=Change.BY_REPLACEMENT),),
)
REVERTED = RevertedStatus(
    revision=3,
    at=LONG_AGO,
    message="container exited with an error: It exited with 3.",
    code="container_exited",
    hint="Its last words are in its log: `perdure logs llm`.",
)


def old(num: int = 0, **properties: Any) -> ReplicaView:
    return replica(num, deployment=2, **properties)


def new(num: int = 0, **properties: Any) -> ReplicaView:
    return replica(num, deployment=3, **properties)


def starting(num: int = 0) -> ReplicaView:
    return new(num, status=ReplicaPhase.PROVISIONING, ready=False)


def failed(num: int = 0) -> ReplicaView:
    told = {"code": "container_exited", "message": "exited (3): It exited.", "hint": "Look."}
    return new(num, status=ReplicaPhase.FAILED, ready=False, **told)


def at(*replicas: ReplicaView, **properties: Any) -> RunView:
    """The run in the revision that was accepted, which takes new replicas."""
    given = {"revision": 3, "deployment": 3, "desired": 2} | properties
    return run(given.pop("status", RunPhase.RUNNING), *replicas, **given)


BEFORE = at(old(0), old(1), revision=2, deployment=2)
FIRST = at(old(0), old(1), starting(2), updating=True)
HALF = at(old(0), old(1, status=ReplicaPhase.DRAINING, ready=False), new(2), updating=True)
DONE = at(new(0), new(1))
UNDONE = at(old(0), old(1), revision=4, deployment=2, reverted=REVERTED)
TAKEN_OVER = at(old(0), old(1), new(2), starting(3), revision=4, deployment=4, updating=True)
SHORT = at(new(0), failed(1))
ASLEEP = at(status=RunPhase.PENDING, status_message="waiting for requests", desired=0, asleep=True)
STOPPED = at(status=RunPhase.TERMINATED, status_message="stopped")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (BEFORE, Course.UNDER_WAY),
        (FIRST, Course.UNDER_WAY),
        (HALF, Course.UNDER_WAY),
        (at(new(0), starting(1)), Course.UNDER_WAY),
        (at(new(0), new(1, ready=False)), Course.UNDER_WAY),
        (at(new(0), failed(1), starting(2), desired=3), Course.UNDER_WAY),
        (
            at(new(0), failed(1), status_message="1/2 ready; retrying", retrying=True),
            Course.UNDER_WAY,
        ),
        (
            at(failed(0), status_message="retrying", status=RunPhase.PENDING, retrying=True),
            Course.UNDER_WAY,
        ),
        (at(new(0), status=RunPhase.TERMINATING, desired=0), Course.UNDER_WAY),
        (DONE, Course.DONE),
        (at(new(0), new(1), new(2)), Course.DONE),
        (at(old(0), old(1), deployment=2), Course.DONE),
        (at(replica(0, deployment=1), replica(1, deployment=3), deployment=0), Course.DONE),
        (SHORT, Course.SHORT),
        (ASLEEP, Course.LATER),
        (UNDONE, Course.UNDONE),
        (UNDONE.model_copy(update={"revision": 5}), Course.TAKEN_OVER),
        (TAKEN_OVER, Course.TAKEN_OVER),
        (STOPPED, Course.ENDED),
        (DONE.model_copy(update={"incarnation": "another"}), Course.ENDED),
    ],
)
def test_the_run_tells_where_its_update_is(state: RunView, expected: Course) -> None:
    assert course(state, ACCEPTED) is expected


def applied(perdure: Perdure, server: FakeServer, *states: RunView, detach: bool = False) -> Said:
    server.plan, server.states = UPDATE, [*states]
    return perdure("apply", "-f", "service.dstack.yml", "-y", *(["-d"] if detach else []))


def test_an_update_is_stayed_with_until_it_is_done(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    said = applied(perdure, server, BEFORE, FIRST, HALF, DONE)
    assert said.code == 0, said.err
    [progress] = shown_blocks("llm  0/2 of the new version ready")
    assert progress in said.err
    assert said.err.endswith("The run llm is updated: revision 3 serves, 2 replicas.\n")
    assert f"Service is published at:\n  {URL}\n" in said.out


def test_a_detached_update_returns_at_once(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    server.runs = [FIRST]
    said = applied(perdure, server, FIRST, detach=True)
    assert said.code == 0, said.err
    assert "new version" not in said.err
    assert f"Service is published at:\n  {URL}\n" in said.out


def test_an_update_in_place_is_waited_for_and_told_as_such(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    one, two = (replica(num, deployment=2) for num in range(2))
    slow = replica(1, deployment=2, ready=False)
    said = applied(perdure, server, at(one, slow, deployment=2), at(one, two, deployment=2))
    assert said.code == 0, said.err
    assert said.err.endswith("The run llm is updated.\n")
    assert "new version" not in said.err


def test_an_update_that_was_undone_is_a_failure_with_its_reason(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    said = applied(perdure, server, FIRST, UNDONE)
    assert said.code == 1
    [told] = shown_blocks("error: The update of")
    assert said.err.endswith(told)
    assert "published" not in said.out


def test_an_update_that_was_undone_is_exit_code_1_whatever_it_was_undone_by(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    late = REVERTED.model_copy(update={"code": "not_ready_in_time"})
    leaves = old(0, status=ReplicaPhase.PULLING, ready=False)
    gone = UNDONE.model_copy(update={"reverted": late, "replicas": (leaves,)})
    said = applied(perdure, server, FIRST, gone)
    assert said.code == 1
    assert "[not_ready_in_time]\nRevision 2, the one before, is started again.\n" in said.err
    later = REVERTED.model_copy(update={"code": "of_later", "hint": ""})
    said = applied(perdure, server, FIRST, UNDONE.model_copy(update={"reverted": later}))
    assert (said.code, "[host_error]" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (ASLEEP, "The run llm sleeps: its new version starts with the next request.\n"),
        (
            at(status=RunPhase.PENDING, status_message="no replicas are wanted", desired=0),
            "No replicas of the run llm are wanted now: those to come are of its new version.\n",
        ),
        (
            ASLEEP.model_copy(update={"deployment": 2}),
            "The run llm is updated. It has no replicas now.\n",
        ),
    ],
)
def test_a_run_without_replicas_has_nothing_to_wait_for(
    service: Path, server: FakeServer, perdure: Perdure, state: RunView, told: str
) -> None:
    said = applied(perdure, server, state)
    assert said.code == 0, said.err
    assert said.err.endswith(told)
    assert f"Service will be published at:\n  {URL}\n" in said.out


def test_another_apply_that_takes_over_ends_the_wait(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    said = applied(perdure, server, FIRST, TAKEN_OVER)
    assert said.code == 1
    assert said.err.endswith(
        "Revision 4 of the run llm was applied meanwhile, and takes the place of revision 3.\n"
    )


def test_an_update_that_serves_with_fewer_replicas_says_why(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    said = applied(perdure, server, FIRST, SHORT)
    assert said.code == 1
    assert said.err.endswith(
        "error: The run `llm` is updated, with 1 of 2 replicas: exited (3): It exited. "
        "[container_exited]\nhint: Look.\n"
    )


def test_a_run_that_ends_meanwhile_ends_the_wait(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    said = applied(perdure, server, FIRST, STOPPED)
    assert (said.code, said.err.endswith("The run llm has ended: stopped.\n")) == (1, True)
    crashed = run(RunPhase.FAILED, failed(0), revision=3, deployment=3)
    said = applied(perdure, server, FIRST, crashed)
    assert said.code == 1
    assert "error: The run `llm` has failed: exited (3): It exited. [container_exited]" in said.err
    said = applied(perdure, server, FIRST, DONE.model_copy(update={"incarnation": "another"}))
    assert said.code == 1
    assert said.err.endswith("The run llm has ended, and another of its name has begun.\n")


def test_what_is_tried_again_is_waited_for_and_shown(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    waits = at(new(0), failed(1), status_message="1/2 ready; retrying; exited (3)", retrying=True)
    said = applied(perdure, server, waits, DONE)
    assert said.code == 0, said.err
    assert "llm  1/2 of the new version ready, retrying\n" in said.err


def test_ctrl_c_leaves_an_update_to_itself(service: Path, server: FakeServer) -> None:
    server.plan, server.states = UPDATE, [FIRST]
    with terminal("apply", "-f", service.name, "-y", cwd=service.parent) as screen:
        screen.wait_for("0/2 of the new version ready")
        screen.type(CTRL_C)
        screen.wait_for("The update of the run llm goes on. `perdure rollback llm` takes it back.")
        assert screen.exit_code() == 130
    assert server.stopped == []
