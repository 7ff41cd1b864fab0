"""Runs that the clock starts: they rest until their time, and after their end until the next one.

Expressions mean what they mean to the reference, which reads them by APScheduler: the days of a
week are counted from Monday, 0 to 6, and a day has to fit both the month's and the week's field.
Times are UTC.
"""

import re
from datetime import UTC, datetime

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

from policy.decisions import noted
from spec.decision import Rule
from spec.run import RunState
from spec.schedule import Schedule
from spec.status import ReplicaPhase

_LAST_DAY = 6

_RANGE = re.compile(r"(\*|[0-6])(?:-([0-6]))?(?:/(\d{1,9}))?", re.ASCII)
"""Days of the week from Monday: `*/2`, `3/2`, `0-4`, `0-6/2`."""

_ONE = re.compile(r"(?<![^,])(\w+)-\1(/\d+)?(?![^,])", re.ASCII)
"""A range of one, which croniter takes for all there are."""

_DAY = re.compile(r"(?<![/#\d])[0-6](?!\d)")
"""A number of a day of the week, and none of a step or of a week of the month."""


def unreadable(schedule: Schedule) -> tuple[str, ...]:
    """Those of its expressions that name no time."""
    return tuple(each for each in schedule.cron if not _is_readable(each))


def next_start(schedule: Schedule, now: datetime) -> datetime:
    """The first moment after `now` that an expression names."""
    return min(_next(each, now) for each in schedule.cron)


def first_start(state: RunState, now: datetime) -> datetime | None:
    """When a run that is applied now begins; None: at once, or it has begun."""
    schedule = state.spec.configuration.schedule if state.spec else None
    if schedule is None or not state.elastic:
        return None
    is_new = state.deployment == 0
    return next_start(schedule, now) if is_new or state.starts_at else None


def started(state: RunState, now: datetime) -> RunState:
    """A run whose time has come begins."""
    if state.starts_at is None or state.starts_at > now:
        return state
    state = state.model_copy(update={"starts_at": None, "ready_at": None})
    return noted(state, now, Rule.SCHEDULED, "It starts, as its schedule says.")


def rested(state: RunState, now: datetime, why: str) -> RunState:
    """The run begins anew when its schedule says so; until then nothing of it is wanted."""
    schedule = state.spec.configuration.schedule if state.spec else None
    assert schedule is not None
    starts_at = next_start(schedule, now)
    state = state.model_copy(update={"starts_at": starts_at, "ready_at": None, "retrials": ()})
    outcome = f"It rests until {starts_at:%Y-%m-%d %H:%M} UTC: {why}."
    return noted(state, now, Rule.SCHEDULED, outcome)


def rested_when_over(state: RunState, now: datetime) -> RunState:
    """A run with a schedule whose replicas have all ended is not over."""
    schedule = state.spec.configuration.schedule if state.spec else None
    if schedule is None or not state.elastic or state.starts_at or state.stop is not None:
        return state
    failed = [r.num for r in state.records if r.phase is ReplicaPhase.FAILED]
    retried = any(retrial.num in failed for retrial in state.retrials)
    if not state.records or retried or any(not r.phase.is_final for r in state.records):
        return state
    why = "a replica failed" if failed else "its replicas have ended"
    return rested(state.model_copy(update={"records": ()}), now, why)


def _next(expression: str, now: datetime) -> datetime:
    found: datetime = croniter(_counted_from_sunday(expression), now, day_or=False).get_next(
        datetime
    )
    return found.astimezone(UTC)


def _is_readable(expression: str) -> bool:
    try:
        _next(expression, datetime(2000, 1, 1, tzinfo=UTC))
    except (CroniterBadCronError, CroniterBadDateError, ValueError):
        return False
    return not re.search(r"(?<![/#\d])[7-9](?!\d)", expression.split()[4])


def _counted_from_sunday(expression: str) -> str:
    """The expression in croniter's words, whose days of the week begin with Sunday."""
    *others, days = (_ONE.sub(r"\1", field) for field in expression.lower().split())
    days = ",".join(_listed(part) for part in days.split(","))
    return " ".join([*others, _DAY.sub(lambda day: str(int(day[0]) + 1), days)])


def _listed(days: str) -> str:
    """The days of a range one by one: its steps begin with Monday, not with Sunday."""
    found = _RANGE.fullmatch(days)
    first, last, step = found.groups() if found else (None, None, None)
    if first is None or (last is None and step is None) or (step and not int(step)):
        return days
    begin = 0 if first == "*" else int(first)
    end = _LAST_DAY if last is None else int(last)
    listed = ",".join(map(str, range(begin, end + 1, int(step or 1))))
    return listed or days
