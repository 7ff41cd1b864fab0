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

MOST_UNKEPT, LARGEST_UNKEPT = 1_000, 500_000
"""Decisions, and characters of them, that a run remembers while the store is away: they are told in
one message, and go on in one when the run is renewed. Temporal takes 2 MiB."""

LEFT_OUT = "decisions_left_out_before"
"""What the oldest decision that is left tells, where older ones had to go."""


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
    unkept = _newest((*state.decisions, decision))
    return state.model_copy(update={"decided": decision.number, "decisions": unkept})


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
    if left and LEFT_OUT in left[0].inputs:
        # Some of those that had to go meanwhile were under way to the store.
        left = (_leaving_out(left[0], left[0].number - number - 1), *left[1:])
    return state.model_copy(update={"decisions": left})


def _newest(unkept: tuple[Decision, ...]) -> tuple[Decision, ...]:
    """As many as may be remembered; the oldest of them tells how many are not."""
    size = sum(map(_size, unkept))
    gone = 0
    while len(unkept) - gone > MOST_UNKEPT or (size > LARGEST_UNKEPT and len(unkept) - gone > 1):
        size -= _size(unkept[gone])
        gone += 1
    if not gone:
        return unkept
    before = gone + int(unkept[0].inputs.get(LEFT_OUT, 0))
    return (_leaving_out(unkept[gone], before), *unkept[gone + 1 :])


def _leaving_out(oldest: Decision, count: int) -> Decision:
    facts = {name: fact for name, fact in oldest.inputs.items() if name != LEFT_OUT}
    told = {LEFT_OUT: f"{count}"} if count > 0 else {}
    return oldest.model_copy(update={"inputs": facts | told})


def _size(decision: Decision) -> int:
    """Characters of its JSON, nearly."""
    facts = (text for pair in decision.inputs.items() for text in pair)
    rejected = (text for each in decision.rejected for text in (each.option, each.why))
    return 150 + len(decision.outcome) + sum(len(text) + 6 for text in (*facts, *rejected))
