"""Our errors as Temporal's failures, and back."""

import asyncio
import inspect

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, FailureError

from engine.options import FINAL_ERRORS
from perdure import errors
from perdure.errors import PerdureError

_BY_NAME: dict[str, type[PerdureError]] = {
    name: kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, PerdureError)
}


def as_failure(error: PerdureError, *, final: bool | None = None) -> ApplicationError:
    """The failure that carries code, message and hint; final (not retried) by its class.

    Its type stays readable in Temporal, message and hint are sealed. It is expected, so Temporal's
    SDK is told that it is no alarm.
    """
    if final is None:
        final = isinstance(error, FINAL_ERRORS)
    return ApplicationError(
        error.message,
        error.hint,
        type=type(error).__name__,
        non_retryable=final,
        category=ApplicationErrorCategory.BENIGN,
    )


def as_error(failure: BaseException) -> PerdureError:
    """The error that the innermost failure of ours carries; else a plain one with its message.

    Behind a failure that `as_failure` made is the error itself once more, as Temporal's SDK puts
    it: by its class and its message, without the hint. It is not the one that counts.
    """
    cause: BaseException | None = failure
    found: ApplicationError | None = None
    while cause is not None:
        if isinstance(cause, ApplicationError) and cause.type in _BY_NAME:
            found = cause if found is None or cause.details else found
        cause = cause.__cause__
    if found is None:
        return PerdureError(_innermost_message(failure))
    hint = str(found.details[0]) if found.details else ""
    return _BY_NAME[found.type or ""](found.message, hint=hint)


def is_real_exit(error: BaseException) -> bool:
    """A cancellation or a failed deed. A code bug is none: then nothing may be cleaned up."""
    return isinstance(error, (asyncio.CancelledError, FailureError))


def _innermost_message(failure: BaseException) -> str:
    while failure.__cause__ is not None:
        failure = failure.__cause__
    return failure.message if isinstance(failure, FailureError) else str(failure)
