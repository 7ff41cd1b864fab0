"""A plan: what `apply` would do, at what price, or why not."""

from enum import StrEnum

from spec.offer import Offer, Refusal
from spec.public import Model
from spec.run import RunState
from spec.run_spec import RunSpec


class Change(StrEnum):
    """How a changed field reaches a living run."""

    IN_PLACE = "in place"
    BY_REPLACEMENT = "by new replicas"


class FieldChange(Model):
    """A field that differs between what runs and what was asked; values as people read them."""

    field: str
    old: str
    new: str
    change: Change


class PlanAction(StrEnum):
    """What applying the plan would do."""

    CREATE = "create"
    UPDATE = "update"
    NOTHING = "nothing"


class PlanOrder(Model):
    """The input of a plan: the specification, and the run of that name if one lives."""

    project: str
    name: str
    spec: RunSpec
    current: RunState | None = None
    max_offers: int | None = None


class Plan(Model):
    """What would happen. It can be applied when `refusals` is empty.

    `offers` are the best ones, `total_offers` how many there are, `max_price` the dearest of all in
    USD per hour. `check` makes sure that what is applied is what was planned.
    """

    project: str
    name: str
    action: PlanAction
    check: str
    changes: tuple[FieldChange, ...] = ()
    offers: tuple[Offer, ...] = ()
    total_offers: int = 0
    max_price: float | None = None
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
