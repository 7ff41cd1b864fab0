"""What the answer to an apply means for who asked, at the first time and at each repetition."""

from spec.plan import PlanAction
from spec.run import Accepted


def action_of(accepted: Accepted) -> PlanAction:
    """What applying did, in the words of the plan."""
    if accepted.revision == 1:
        return PlanAction.CREATE
    return PlanAction.UPDATE if accepted.changed else PlanAction.NOTHING


def is_left_over(envelope: str, accepted: Accepted) -> bool:
    """Whether the run uses another envelope than this one, which came with the request.

    A run that does not tell may use it.
    """
    return accepted.sealed not in ("", envelope)
