"""Whether a replica that failed is tried again, and when."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.retry import PAUSES, RetryVerdict, end_of, event_of, judge
from spec.retrial import Retrial
from spec.retry import Retry, RetryEvent
from spec.status import EndReason, ReplicaPhase
from tests.policy.making import NOW, record

ALWAYS = Retry()
ERROR = RetryEvent.ERROR

HEALTHY = timedelta(seconds=PAUSES.healthy)


def verdict(
    reason: str = "error",
    asked: Retry | None = ALWAYS,
    earlier: Retrial | None = None,
    ready_at: datetime | None = None,
) -> RetryVerdict:
    failed = record(phase="failed", reason=reason, ready_at=ready_at)
    return judge(asked, failed, earlier, NOW)


def earlier(seconds: int, attempt: int = 1, event: RetryEvent = ERROR) -> Retrial:
    since = NOW - timedelta(seconds=seconds)
    return Retrial(num=0, event=event, since=since, attempt=attempt, at=NOW)


@pytest.mark.parametrize("reason", list(EndReason))
def test_each_failure_is_one_event_and_an_end_that_was_wanted_is_none(reason: EndReason) -> None:
    known = {
        EndReason.NO_CAPACITY: RetryEvent.NO_CAPACITY,
        EndReason.INTERRUPTED: RetryEvent.INTERRUPTION,
    }
    fails = reason.phase is ReplicaPhase.FAILED
    assert event_of(reason) is (known.get(reason, ERROR) if fails else None)


def test_what_ended_without_a_word_failed_by_an_error_unless_it_is_done() -> None:
    assert end_of(record(phase="failed")) is EndReason.ERROR
    assert end_of(record(phase="done")) is EndReason.EXITED


@pytest.mark.parametrize(("attempt", "seconds"), [*enumerate([15, 30, 60, 120, 300, 600, 600])])
def test_the_pauses_grow_and_the_last_one_stays(attempt: int, seconds: int) -> None:
    retrial = verdict(earlier=earlier(60, attempt) if attempt else None).retrial
    assert retrial is not None
    assert (retrial.attempt, retrial.at) == (attempt + 1, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("reason", "events", "before", "is_tried"),
    [
        ("error", ["error"], None, True),
        ("no capacity", ["error"], None, False),
        ("interrupted", ["interruption"], None, True),
        ("took too long to start", ["interruption", "no-capacity"], None, False),
        ("no capacity", ["interruption"], RetryEvent.INTERRUPTION, True),
        ("no capacity", ["interruption"], None, False),
        ("error", ["interruption"], RetryEvent.INTERRUPTION, False),
        ("process exited 0", ["error"], None, False),
        ("scaled down", ["error"], None, False),
    ],
)
def test_only_the_events_that_were_asked_for_are_tried_again(
    reason: str, events: list[str], before: RetryEvent | None, is_tried: bool
) -> None:
    asked = Retry.model_validate({"on_events": events})
    known = earlier(60, event=before) if before else None
    found = verdict(reason, asked, known)
    assert (found.retrial is not None) is is_tried
    assert bool(found.why) is not is_tried


def test_an_interruption_whose_place_cannot_be_taken_is_still_that_one() -> None:
    found = verdict("no capacity", earlier=earlier(60, event=RetryEvent.INTERRUPTION)).retrial
    assert found is not None
    assert found.event is RetryEvent.INTERRUPTION


def test_without_retry_nothing_is_tried_again() -> None:
    assert verdict(asked=None) == RetryVerdict(why="`retry` is off")


@pytest.mark.parametrize(("since", "is_tried"), [(3_540, True), (3_541, False)])
def test_no_try_begins_after_the_window(since: int, is_tried: bool) -> None:
    found = verdict(earlier=earlier(since, attempt=2))
    assert (found.retrial is not None) is is_tried
    assert is_tried or found.why == "its 1h of `retry` are over"


def test_a_window_shorter_than_the_first_pause_has_no_try() -> None:
    assert verdict(asked=Retry(duration=14)).retrial is None


@pytest.mark.parametrize(
    ("healthy", "attempt"), [(HEALTHY, 1), (HEALTHY - timedelta(seconds=1), 4)]
)
def test_after_ten_healthy_minutes_pauses_and_window_begin_anew(
    healthy: timedelta, attempt: int
) -> None:
    found = verdict(earlier=earlier(1_800, attempt=3), ready_at=NOW - healthy).retrial
    assert found is not None
    assert found.attempt == attempt
    assert (found.since == NOW) is (attempt == 1)


@given(st.integers(0, 20_000))
def test_tries_are_within_the_window_and_their_pauses_never_shrink(window: int) -> None:
    now, before, moments = NOW, None, [NOW]
    while True:
        found = judge(Retry(duration=window), record(phase="failed"), before, now).retrial
        if found is None:
            break
        assert found.since == NOW
        moments.append(found.at)
        now, before = found.at, found
    pauses = [later - sooner for sooner, later in pairwise(moments)]
    assert pauses == sorted(pauses)
    assert moments[-1] <= NOW + timedelta(seconds=window)
    following = timedelta(seconds=PAUSES.retry[min(len(pauses), len(PAUSES.retry) - 1)])
    assert moments[-1] + following > NOW + timedelta(seconds=window)
