"""The clock starts a run, and after its end it starts it again."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from policy.desired import wanted
from policy.reconcile import StartReplica, reconcile
from policy.schedule import next_start, unreadable
from policy.transitions import applied, observed, stopped
from policy.views import run_phase, run_status
from spec.run import RunState
from spec.schedule import Schedule
from spec.status import EndReason, RunPhase
from tests.policy.making import NOW, event, run, spec

MORNING = datetime(2026, 1, 2, 8, tzinfo=UTC)
"""A Friday, five hours after NOW."""
DAILY = {"schedule": {"cron": "0 8 * * *"}, "max_duration": "1h"}


def at(*cron: str) -> Schedule:
    return Schedule.model_validate({"cron": cron})


def days_of(days: str) -> list[int]:
    """Those of a week, from Monday, on which it starts."""
    starts, now = [], datetime(2026, 1, 4, 12, tzinfo=UTC)
    while (now := next_start(at(f"0 8 * * {days}"), now)) < datetime(2026, 1, 12, tzinfo=UTC):
        starts.append(now.weekday())
    return starts


def waiting(**properties: object) -> RunState:
    return reconcile(applied(run(), spec(**DAILY | properties), "u1", NOW), NOW).state


def begun(**properties: object) -> RunState:
    return reconcile(waiting(**properties), MORNING).state


@pytest.mark.parametrize(
    ("cron", "found"),
    [
        (("0 8 * * *",), MORNING),
        (("0 3 * * *",), datetime(2026, 1, 3, 3, tzinfo=UTC)),
        (("0 8 * * 0",), datetime(2026, 1, 5, 8, tzinfo=UTC)),
        (("0 8 * * mon",), datetime(2026, 1, 5, 8, tzinfo=UTC)),
        (("0 8 * * 5-6",), datetime(2026, 1, 3, 8, tzinfo=UTC)),
        (("0 8 * * sat,sun",), datetime(2026, 1, 3, 8, tzinfo=UTC)),
        (("0 8 13 * fri",), datetime(2026, 2, 13, 8, tzinfo=UTC)),
        (("*/15 * * * *",), datetime(2026, 1, 2, 3, 15, tzinfo=UTC)),
        (("0 9 * * *", "30 8 * * *"), datetime(2026, 1, 2, 8, 30, tzinfo=UTC)),
    ],
)
def test_expressions_mean_what_they_mean_to_the_reference(
    cron: tuple[str, ...], found: datetime
) -> None:
    assert next_start(at(*cron), NOW) == found


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ("*", [0, 1, 2, 3, 4, 5, 6]),
        ("*/2", [0, 2, 4, 6]),
        ("0-6/2", [0, 2, 4, 6]),
        ("*/3,sat", [0, 3, 5, 6]),
        ("1/2", [1, 3, 5]),
        ("6/2", [6]),
        ("0/5", [0, 5]),
        ("*/7", [0]),
        ("1-5/3", [1, 4]),
        ("4-6", [4, 5, 6]),
        ("5-5", [5]),
        ("sun-sun", [6]),
        ("fri-sun", [4, 5, 6]),
        ("6", [6]),
    ],
)
def test_days_of_the_week_are_counted_from_monday_and_so_are_steps(
    days: str, found: list[int]
) -> None:
    assert days_of(days) == found


@given(
    first=st.integers(0, 6) | st.none(),
    last=st.integers(0, 6) | st.none(),
    step=st.integers(1, 9) | st.none(),
)
def test_any_range_of_days_is_the_days_between_its_ends_by_its_step(
    first: int | None, last: int | None, step: int | None
) -> None:
    assume((first is None) <= (last is None))
    begin, end = first or 0, 6 if last is None else last
    assume(begin <= end)
    written = "*" if first is None else f"{first}"
    written += f"-{last}" if last is not None else ""
    written += f"/{step}" if step is not None else ""
    if first is not None and last is None and step is None:
        end = first
    assert days_of(written) == [*range(begin, end + 1, step or 1)]


@pytest.mark.parametrize(
    ("cron", "found"),
    [
        ("5-5 * * * *", datetime(2026, 1, 2, 3, 5, tzinfo=UTC)),
        ("0 8 20-20 * *", datetime(2026, 1, 20, 8, tzinfo=UTC)),
        ("0 8 * Mar-mar *", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("30 8-8/2 * * *", datetime(2026, 1, 2, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_range_of_one_is_that_one(cron: str, found: datetime) -> None:
    assert next_start(at(cron), NOW) == found


@pytest.mark.parametrize(
    "cron", ["61 * * * *", "0 8 30 2 *", "0 8 * * 7", "0 8 * * mon*", "0 8 * * */0"]
)
def test_what_names_no_time_is_told(cron: str) -> None:
    assert unreadable(at("0 8 * * *", cron)) == (cron,)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
)
def test_the_next_start_is_within_a_day_and_never_now(
    minute: int, hour: int, now: datetime
) -> None:
    found = next_start(at(f"{minute} {hour} * * *"), now)
    assert now < found <= now + timedelta(days=1)
    assert (found.minute, found.hour) == (minute, hour)


FIELDS = st.text("0123456789*,/#?-LRHW", min_size=1, max_size=4) | st.sampled_from(
    ["*", "*/2", "mon", "jan-mar", "r", "R/3", "h", "fri#2", "L5", "15W"]
)


@given(st.lists(FIELDS, min_size=5, max_size=5))
def test_what_is_taken_names_the_same_time_at_each_reading(fields: list[str]) -> None:
    try:
        asked = at(" ".join(fields))
    except ValidationError:
        return
    if not unreadable(asked):
        chance = random.getstate()
        found = next_start(asked, NOW)
        assert next_start(asked, NOW) == found
        assert random.getstate() == chance


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("field", ["R", "r", "R/5", "H", "1R", "someday"])
def test_what_is_another_time_at_each_reading_is_refused(place: int, field: str) -> None:
    fields = ["*"] * 5
    fields[place] = field
    with pytest.raises(ValidationError, match=f"cannot be `{field}`"):
        at(" ".join(fields))


@pytest.mark.parametrize(
    "cron", ["0 8 L * *", "0 8 15W * *", "0 8 ? * FRI#2", "0 8 * Jan-Mar L4", "0 8 * * mon,wed"]
)
def test_letters_that_leave_nothing_to_chance_are_taken(cron: str) -> None:
    assert unreadable(at(cron)) == ()


def test_a_run_waits_for_its_time() -> None:
    step = reconcile(applied(run(), spec(**DAILY), "u1", NOW), NOW)
    assert (step.actions, step.due, step.ended) == ((), MORNING, None)
    assert (wanted(step.state), run_phase(step.state)) == (0, RunPhase.PENDING)
    assert run_status(step.state).status_message == "starts at 2026-01-02 08:00 UTC"
    assert not step.state.route.asleep


def test_it_begins_when_its_time_has_come() -> None:
    step = reconcile(waiting(), MORNING)
    assert [type(action) for action in step.actions] == [StartReplica]
    assert step.state.decisions[-1].outcome == "It starts, as its schedule says."


def test_when_its_time_is_over_it_rests_until_the_next() -> None:
    state = begun()
    (first,) = state.records
    news = event(first.id, phase="running", ready=True, address="tcp://a:1")
    ready = observed(state, news, MORNING)
    over = reconcile(ready, MORNING + timedelta(hours=1))
    (release,) = over.actions
    assert not isinstance(release, StartReplica)
    assert release.order.reason is EndReason.MAX_DURATION
    assert over.due == MORNING + timedelta(days=1)
    left = observed(over.state, event(first.id, phase="terminated"), MORNING)
    again = reconcile(left, MORNING + timedelta(days=1))
    assert [type(action) for action in again.actions] == [StartReplica]


@pytest.mark.parametrize(
    ("phase", "reason"),
    [("failed", "container exited with an error"), ("done", "process exited 0")],
)
def test_one_that_has_ended_begins_again_at_its_next_time(phase: str, reason: str) -> None:
    state = begun()
    (first,) = state.records
    ended = observed(state, event(first.id, phase=phase, reason=reason), MORNING)
    step = reconcile(ended, MORNING)
    assert (step.ended, step.due) == (None, MORNING + timedelta(days=1))
    assert reconcile(step.state, MORNING).state == step.state


def test_a_stop_ends_it_also_while_it_waits() -> None:
    assert reconcile(stopped(waiting(), NOW, abort=False), NOW).ended is RunPhase.TERMINATED


def test_a_run_that_has_begun_goes_on_under_another_schedule() -> None:
    state = applied(begun(), spec(**DAILY | {"schedule": {"cron": "0 9 * * *"}}), "u2", MORNING)
    assert (state.starts_at, wanted(state)) == (None, 1)


def test_one_that_waits_waits_for_another_time_or_begins_without_one() -> None:
    later = applied(waiting(), spec(**DAILY | {"schedule": {"cron": "0 9 * * *"}}), "u2", NOW)
    assert later.starts_at == MORNING + timedelta(hours=1)
    assert applied(waiting(), spec(), "u3", NOW).starts_at is None
