"""The time that a run may take: `max_duration`, from when it was first ready."""

from datetime import datetime, timedelta

from policy.decisions import noted
from policy.schedule import rested
from policy.transitions import stopped
from spec.decision import Rule
from spec.run import RunState
from spec.status import EndReason
from spec.units import format_duration


def next_limit(state: RunState) -> datetime | None:
    """When the run is over by its own word; None: never, or it ends already."""
    asked = state.spec.configuration.max_duration if state.spec else None
    if not state.elastic or asked is None or state.ready_at is None or state.stop is not None:
        return None
    return state.ready_at + timedelta(seconds=asked)


def limited(state: RunState, now: datetime) -> RunState:
    """A run whose time is over is stopped."""
    end = next_limit(state)
    if end is None or end > now or state.spec is None:
        return state
    length = format_duration(state.spec.configuration.max_duration or 0)
    if state.spec.configuration.schedule is not None:
        return rested(state, now, f"its `max_duration` of {length} is over")
    state = stopped(state, now, abort=False, reason=EndReason.MAX_DURATION)
    return noted(state, now, Rule.STOPPED, f"It stops: its `max_duration` of {length} is over.")
