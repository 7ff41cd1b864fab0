"""Decisions are noted in the run's memory, until they are kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from perdure.errors import PerdureError
from spec.decision import Decision, Rejected, Rule
from spec.run import RunState
from spec.run_status import RunStatus
from spec.status import RunPhase

LARGEST = 2**62
"""Numbers of refusals are random below this one: a signed number of 64 bits holds them."""


def noted(
    state: RunState,
    now: datetime,
    rule: Rule,
    outcome: str,
    inputs: Mapping[str, object] | None = None,
    rejected: tuple[Rejected, ...] = (),
) -> RunState:
    """The state with one decision more to keep; of what is not known, no input tells."""
    if not state.elastic:
        return state
    decision = Decision(
        number=state.decided + 1,
        at=now,
        rule=rule,
        outcome=outcome,
        inputs={name: str(fact) for name, fact in (inputs or {}).items() if fact not in (None, "")},
        rejected=rejected,
    )
    return state.model_copy(
        update={"decided": decision.number, "decisions": (*state.decisions, decision)}
    )


def refusal(request: str, by: str, error: PerdureError, now: datetime) -> Decision:
    """What somebody asked of a run by the request with this UUID could not be.

    The run never heard of it: its own numbers begin at 1, and those of refusals are below zero.
    """
    return Decision(
        number=-1 - (UUID(request).int % LARGEST),
        at=now,
        rule=Rule.REFUSED,
        outcome=f"It stays as it is. {error.message}",
        inputs={"asked_by": by, "code": error.code()},
    )


class Shown(NamedTuple):
    """What of a status is kept at each change, also when nothing was decided."""

    phase: RunPhase
    desired: int
    ready: int
    deployment: int


def shown(status: RunStatus) -> Shown:
    """Of this status."""
    return Shown(status.status, status.desired, status.ready, status.deployment)


def is_worth_keeping(state: RunState, status: RunStatus, last: Shown | None) -> bool:
    """Whether something was decided, or has changed, since `last` was kept."""
    return bool(state.decisions) or shown(status) != last


def kept(state: RunState, number: int) -> RunState:
    """Those up to `number` are in the store."""
    left = tuple(each for each in state.decisions if each.number > number)
    return state.model_copy(update={"decisions": left})
