"""What replicas cost together, alike for who measures a run and for who lists it."""

from collections.abc import Iterable
from typing import Protocol

from spec.status import ReplicaPhase


class Priced(Protocol):
    """A replica; without a `backend` it has no machine yet. `price` is in USD per hour."""

    @property
    def status(self) -> ReplicaPhase:
        """Its phase."""
        ...

    @property
    def backend(self) -> str | None:
        """Where its machine is from."""
        ...

    @property
    def price(self) -> float | None:
        """None: unknown."""
        ...


def cost_per_hour(replicas: Iterable[Priced]) -> float | None:
    """USD for all that live and have a machine; None when the price of one is unknown."""
    placed = [each for each in replicas if not each.status.is_final and each.backend is not None]
    prices = [each.price for each in placed if each.price is not None]
    return sum(prices) if len(prices) == len(placed) else None
