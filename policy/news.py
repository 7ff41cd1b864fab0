"""What a replica's news are to people: where it went, whether it serves, that it is gone."""

from datetime import datetime

from policy.decisions import noted
from policy.story import place_text
from spec.decision import Rule
from spec.replica import ReplicaEvent, ReplicaRecord
from spec.run import RunState
from spec.status import EndReason, Health, ReplicaPhase


def told(state: RunState, before: ReplicaRecord, event: ReplicaEvent, now: datetime) -> RunState:
    """The state with a decision for each of the news; how it failed is told where it is judged."""
    name = f"Replica {before.num}"
    if event.placement is not None and event.placement != before.placement:
        place = place_text(event.placement)
        facts = {"resources": event.placement.resources, "of_revision": before.deployment}
        outcome = f"{name} goes to {place}."
        state = noted(state, now, Rule.PLACED, outcome, facts, event.passed_over)
    if event.health is not before.health and before.ready_at is not None:
        state = _health(state, name, event, now)
    elif event.ready and before.ready_at is None:
        took = (now - before.started_at).total_seconds() if before.started_at else None
        facts = {"seconds_from_start": took and f"{took:.1f}"}
        state = noted(state, now, Rule.READY, f"{name} serves.", facts)
    if event.phase in (ReplicaPhase.TERMINATED, ReplicaPhase.ABORTED):
        reason = event.reason or EndReason.STOPPED_BY_USER
        state = noted(state, now, Rule.ENDED, f"{name} is gone: {reason}.")
    return state


def _health(state: RunState, name: str, event: ReplicaEvent, now: datetime) -> RunState:
    if event.health is Health.UNHEALTHY:
        outcome = f"{name} leaves the routes: {event.detail or 'its probes fail.'}"
        return noted(state, now, Rule.UNHEALTHY, outcome)
    if event.health is Health.HEALTHY:
        return noted(state, now, Rule.UNHEALTHY, f"{name} is healthy again, and serves.")
    return state
