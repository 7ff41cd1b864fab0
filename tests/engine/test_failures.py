"""Our errors cross Temporal whole: code, message, hint, and whether to try again."""

import asyncio
import inspect

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, RetryState

from engine.failures import as_error, as_failure, is_real_exit
from perdure import errors
from perdure.errors import PerdureError

EVERY = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, PerdureError)
]
FINAL = {
    *("NoCapacity", "InvalidInput", "InvalidConfiguration", "MissingVariable", "UnknownSecret"),
    *("TooLarge", "NotFound", "RuntimeUnsupported", "ImageNotFound", "ImagePullDenied"),
    *("ContainerCreateFailed", "VolumeFailed", "NotReadyInTime"),
    # Kinds of input and of what is not there, which no deed raises: the proxy's and the API's.
    *("BadRequest", "MethodNotAllowed", "ExpectationFailed", "HeadTooLarge"),
    *("VersionNotSupported", "ModelNotFound"),
}


def caught(cause: BaseException) -> ActivityError:
    """A failure as a workflow catches it."""
    failure = ActivityError(
        "Activity task failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="a",
        activity_id="1",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_comes_back_as_it_was(kind: type[PerdureError]) -> None:
    back = as_error(caught(as_failure(kind("What happened.", hint="What to do."))))
    assert type(back) is kind
    assert (back.message, back.hint) == ("What happened.", "What to do.")
    assert back.code() == kind.code()


@pytest.mark.parametrize("kind", EVERY)
def test_what_another_try_cannot_help_is_final(kind: type[PerdureError]) -> None:
    assert as_failure(kind("x")).non_retryable is (kind.__name__ in FINAL)
    assert as_failure(kind("x"), final=True).non_retryable


def test_the_innermost_error_of_ours_counts() -> None:
    outer = as_failure(errors.Unavailable("outer"))
    outer.__cause__ = caught(as_failure(errors.NoCapacity("inner")))
    assert as_error(outer).message == "inner"


def test_the_error_that_a_failure_was_made_of_does_not_hide_its_hint() -> None:
    failure = as_failure(errors.ImageNotFound("There is none.", hint="Look again."))
    failure.__cause__ = ApplicationError("There is none.", type="ImageNotFound")
    failure.__cause__.__cause__ = ApplicationError("A cause.", type="Unavailable")
    back = as_error(caught(failure))
    assert (back.code(), back.message, back.hint) == (
        *("image_not_found", "There is none.", "Look again."),
    )


@pytest.mark.parametrize(
    "foreign",
    [ApplicationError("boom", type="KeyError"), ApplicationError("boom"), CancelledError("boom")],
)
def test_a_foreign_failure_is_a_plain_error_with_its_words(foreign: BaseException) -> None:
    error = as_error(caught(foreign))
    assert (type(error), error.message, error.hint) == (PerdureError, "boom", "")


@pytest.mark.parametrize(
    ("error", "real"),
    [
        (asyncio.CancelledError(), True),
        (ApplicationError("x"), True),
        (caught(ApplicationError("x")), True),
        (KeyError("a bug"), False),
        (AssertionError(), False),
        (errors.NoCapacity("raised in a workflow, not by a deed"), False),
    ],
)
def test_a_bug_is_no_reason_to_clean_up(error: BaseException, real: bool) -> None:
    assert is_real_exit(error) is real
