"""A decision: what was known, which rule spoke, what came of it, and what was not done instead."""

from datetime import datetime
from enum import StrEnum

from spec.public import PublicModel


class Rule(StrEnum):
    """Which rule decided."""

    APPLIED = "applied"
    """Somebody asked for something else."""
    REFUSED = "refused"
    """Somebody asked for something that cannot be."""
    SCALED = "scaled"
    """The load asked for another number of replicas."""
    WOKEN = "woken"
    """A request came while there were none."""
    OVERRIDDEN = "overridden"
    """Somebody set the number by hand, or that ran out."""
    PLACED = "placed"
    """A replica got its machine."""
    READY = "ready"
    """A replica serves."""
    ENDED = "ended"
    """A replica ended."""
    RETRIED = "retried"
    """A replica that failed is tried again, or no more."""
    UNHEALTHY = "unhealthy"
    """A replica left the routes, or came back, because of its probes."""
    ROLLED_OUT = "rolled out"
    """Replicas of a new deployment take over."""
    REVERTED = "reverted"
    """They could not, and the last good deployment stays."""
    SCHEDULED = "scheduled"
    """The clock started or stopped it."""
    STOPPED = "stopped"
    """It is over: somebody stopped it, or a limit was reached."""


class Rejected(PublicModel):
    """What was not done, and why not."""

    option: str
    why: str


class Decision(PublicModel):
    """One decision of a run, readable by people: it holds no value that a user wrote but names.

    `number` counts a life's decisions from 1: told twice it is the same one. Those of refusals, of
    which the run was never told, are below zero. `inputs` are facts with their units in their names
    (`requests_per_second`), as text. `outcome` is a sentence.
    """

    number: int
    at: datetime
    rule: Rule
    outcome: str
    inputs: dict[str, str] = {}
    rejected: tuple[Rejected, ...] = ()
