"""How a replica ended, from what was seen of it."""

import pytest

from perdure import errors
from perdure.errors import PerdureError
from policy.ending import (
    Ending,
    ending_of_error,
    ending_of_exit,
    ending_over_quota,
    ending_unhealthy,
)
from spec.job import JobPhase, JobState
from spec.status import EndReason, ReplicaPhase


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.NoCapacity, EndReason.NO_CAPACITY),
        (errors.InstanceUnreachable, EndReason.INSTANCE_UNREACHABLE),
        (errors.NotReadyInTime, EndReason.TOOK_TOO_LONG),
        (errors.Unhealthy, EndReason.UNHEALTHY),
        (errors.VolumeFailed, EndReason.VOLUME_ERROR),
        (errors.ImagePullFailed, EndReason.IMAGE_PULL_FAILED),
        (errors.ImageNotFound, EndReason.IMAGE_PULL_FAILED),
        (errors.ImagePullDenied, EndReason.IMAGE_PULL_FAILED),
        (errors.ContainerCreateFailed, EndReason.CONTAINER_NOT_CREATED),
        (errors.RuntimeUnsupported, EndReason.CONTAINER_NOT_CREATED),
        (errors.NotFound, EndReason.ERROR),
        (PerdureError, EndReason.ERROR),
    ],
)
def test_an_error_of_a_deed_has_its_reason_and_its_words(
    error: type[PerdureError], reason: EndReason
) -> None:
    ending = ending_of_error(error("What happened.", hint="Do this."))
    assert (ending.reason, ending.detail) == (reason, "What happened.")
    assert (ending.code, ending.hint) == (error.code(), "Do this.")
    assert ending.phase is ReplicaPhase.FAILED


@pytest.mark.parametrize(
    ("values", "reason", "phase"),
    [
        ({"exit_code": 0}, EndReason.EXITED, ReplicaPhase.DONE),
        ({"exit_code": 3}, EndReason.EXITED_WITH_ERROR, ReplicaPhase.FAILED),
        ({"exit_code": None}, EndReason.EXITED_WITH_ERROR, ReplicaPhase.FAILED),
        ({"exit_code": 137, "out_of_memory": True}, EndReason.OUT_OF_MEMORY, ReplicaPhase.FAILED),
    ],
)
def test_an_exit_has_its_reason(
    values: dict[str, object], reason: EndReason, phase: ReplicaPhase
) -> None:
    ending = exited(**values)
    assert (ending.reason, ending.phase) == (reason, phase)
    assert ending.exit_code == values["exit_code"]


@pytest.mark.parametrize(
    ("values", "code", "detail", "hint"),
    [
        ({"exit_code": 3}, "container_exited", "", "`perdure logs web`"),
        ({"exit_code": 126}, "container_exited", "cannot be executed", "`perdure logs web`"),
        ({"exit_code": 127}, "container_exited", "was not found", "`perdure logs web`"),
        ({"exit_code": 137}, "container_exited", "when memory runs out", "`perdure logs web`"),
        (
            {"exit_code": 0, "out_of_memory": True},
            "out_of_memory",
            "than it may",
            "`resources.memory`",
        ),
    ],
)
def test_an_exit_is_told_as_an_error_with_what_to_do(
    values: dict[str, object], code: str, detail: str, hint: str
) -> None:
    ending = exited(**values)
    assert ending.code == code
    assert detail in ending.detail
    assert hint in ending.hint


def test_an_end_that_was_wanted_is_no_error() -> None:
    ending = exited(exit_code=0)
    assert (ending.code, ending.detail, ending.hint) == ("", "", "")


def test_too_much_log_is_told_with_the_setting_that_limits_it() -> None:
    ending = ending_over_quota()
    assert (ending.reason, ending.code) == (EndReason.LOG_QUOTA, "log_quota_exceeded")
    assert "PERDURE_LOG_QUOTA_MB" in ending.hint


def test_an_unhealthy_replica_fails_and_says_how() -> None:
    ending = ending_unhealthy("It was unhealthy for 5 minutes.", "web")
    assert (ending.reason, ending.phase) == (EndReason.UNHEALTHY, ReplicaPhase.FAILED)
    assert (ending.code, ending.detail) == ("unhealthy", "It was unhealthy for 5 minutes.")
    assert "`perdure logs web`" in ending.hint


def exited(**values: object) -> Ending:
    return ending_of_exit(JobState.model_validate({"phase": JobPhase.EXITED, **values}), "web")


def test_a_container_that_somebody_else_removed_is_an_error() -> None:
    ending = ending_of_exit(JobState(phase=JobPhase.MISSING), "web")
    assert (ending.reason, ending.phase) == (EndReason.ERROR, ReplicaPhase.FAILED)
    assert "removed by somebody else" in ending.detail
