"""Decisions are noted in the run's memory, until they are kept."""

from collections.abc import Mapping
from datetime import datetime

from spec.decision import Decision, Rejected, Rule
from spec.run import RunState


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


def kept(state: RunState, number: int) -> RunState:
    """Those up to `number` are in the store."""
    left = tuple(each for each in state.decisions if each.number > number)
    return state.model_copy(update={"decisions": left})
