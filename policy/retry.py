"""Retry: whether a replica that failed is tried again, and when.

The window counts from the failure that began it, and the pauses grow from one try to the next;
after ten healthy minutes both begin anew. The rule: docs/concepts/retry.md.
"""

from datetime import datetime, timedelta

from spec.pauses import Pauses
from spec.public import Model
from spec.replica import ReplicaRecord
from spec.retrial import Retrial
from spec.retry import Retry, RetryEvent
from spec.status import EndReason, ReplicaPhase
from spec.units import format_duration

PAUSES = Pauses()

_EVENTS = {
    EndReason.NO_CAPACITY: RetryEvent.NO_CAPACITY,
    EndReason.INTERRUPTED: RetryEvent.INTERRUPTION,
}


class RetryVerdict(Model):
    """The next try; or None, and `why` there is none."""

    retrial: Retrial | None = None
    why: str = ""


def end_of(record: ReplicaRecord) -> EndReason:
    """Why a replica ended, where it did not say so either."""
    if record.reason is None:
        return EndReason.EXITED if record.phase is ReplicaPhase.DONE else EndReason.ERROR
    return record.reason


def event_of(reason: EndReason) -> RetryEvent | None:
    """What the end means for `retry.on_events`; None for one that is no failure."""
    if reason.phase is not ReplicaPhase.FAILED:
        return None
    return _EVENTS.get(reason, RetryEvent.ERROR)


def judge(
    asked: Retry | None,
    failed: ReplicaRecord,
    earlier: Retrial | None,
    now: datetime,
    pauses: Pauses = PAUSES,
) -> RetryVerdict:
    """Whether the slot of this replica is tried again; `earlier` is its last retrial."""
    event = event_of(end_of(failed))
    if event is None:
        return RetryVerdict(why="it did not fail")
    if asked is None:
        return RetryVerdict(why="`retry` is off")
    healthy = timedelta(seconds=pauses.healthy)
    if failed.ready_at is not None and now - failed.ready_at >= healthy:
        earlier = None
    if earlier is not None and event is RetryEvent.NO_CAPACITY:
        event = earlier.event  # an interruption whose place cannot be taken is still that one
    if event not in asked.on_events:
        return RetryVerdict(why=f"`retry` is not for `{event}`")
    since = earlier.since if earlier else now
    attempt = earlier.attempt + 1 if earlier else 1
    at = now + timedelta(seconds=pauses.retry[min(attempt, len(pauses.retry)) - 1])
    if at > since + timedelta(seconds=asked.duration):
        return RetryVerdict(why=f"its {format_duration(asked.duration)} of `retry` are over")
    return RetryVerdict(
        retrial=Retrial(num=failed.num, event=event, since=since, attempt=attempt, at=at)
    )
