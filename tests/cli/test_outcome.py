"""How a run ended: told and counted by one replica, which the run names."""

import pytest

from cli.failure import failure_of
from cli.outcome import Outcome, outcome_of
from cli.run_table import describe_status
from perdure.errors import HostError, PerdureError
from spec.status import EndReason, ReplicaPhase, RunPhase
from spec.submission import ReplicaView
from tests.cli.fake_server import replica, run
from tests.docs.error_page import errors

KINDS = [PerdureError, *errors()]


def failed(num: int = 0, **properties: object) -> ReplicaView:
    return replica(num, status=ReplicaPhase.FAILED, ready=False, **properties)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code())
def test_a_failed_run_ends_with_the_exit_code_of_the_error_that_is_told(
    kind: type[PerdureError],
) -> None:
    ended = run(RunPhase.FAILED, failed(code=kind.code(), message="error: It is."))
    assert type(failure_of(ended)) is kind
    assert outcome_of(ended) == kind.exit_code


@pytest.mark.parametrize("phase", [RunPhase.DONE, RunPhase.TERMINATED])
def test_what_did_what_it_was_told_ends_well_whatever_a_replica_did(phase: RunPhase) -> None:
    assert outcome_of(run(phase, failed(code="no_capacity"))) == Outcome.OK


@pytest.mark.parametrize("code", ["", "of_a_later_version"])
def test_an_ending_without_a_code_that_is_known_is_one_of_the_machine(code: str) -> None:
    ended = run(RunPhase.FAILED, failed(code=code), reason=EndReason.NO_CAPACITY)
    assert type(failure_of(ended)) is HostError
    assert outcome_of(ended) == Outcome.FAILED


def test_the_run_says_which_replica_counts_and_no_word_of_a_message_does() -> None:
    """Of two replicas of a number, the later one."""
    replicas = (
        failed(0, code="image_not_found", message="error: Long ago."),
        failed(0, code="no_capacity", message="no capacity: Here.", hint="Ask for less."),
        failed(1, code="unknown_secret", message="error: Elsewhere."),
    )
    ended = run(RunPhase.FAILED, *replicas, status_message="error", failed_replica=0)
    assert describe_status(ended) == "no capacity: Here."
    assert outcome_of(ended) == 5
    told = failure_of(ended)
    assert (told.code(), told.hint) == ("no_capacity", "Ask for less.")
    assert told.message.splitlines() == [
        "The run `llm` has failed: no capacity: Here.",
        "  replica 0: error: Long ago.",
        "  replica 1: error: Elsewhere.",
    ]


def test_a_run_that_names_no_replica_is_told_by_its_own_words() -> None:
    ended = run(RunPhase.FAILED, failed(), status_message="no capacity", failed_replica=None)
    assert describe_status(ended) == "no capacity"
    assert outcome_of(ended) == Outcome.FAILED
    assert failure_of(ended).message.splitlines()[0] == "The run `llm` has failed: no capacity."
