"""What a backend can do: make offers, and give and take back a place that was offered."""

from typing import Protocol

from hosts.base import Runtime
from spec.deeds import CreateOrder, Instance
from spec.machine import RuntimeFacts
from spec.offer import Offer, OfferQuery


class Backend(Protocol):
    """A provider of machines. All calls are idempotent by token."""

    name: str
    enforces_defaults: bool
    """Whether resources that the user did not write choose machines, or only warn."""

    async def offers(self, query: OfferQuery) -> tuple[Offer, ...]:
        """What there is now, whether or not it fits. Raises `Unavailable`."""
        ...

    async def facts(self) -> RuntimeFacts:
        """What the runtime of its machines can give to a replica. Raises `Unavailable`."""
        ...

    async def create(self, order: CreateOrder) -> Instance:
        """Take the offer, or find what an earlier call with this token took.

        Raises `NoCapacity` when somebody else was quicker.
        """
        ...

    async def release(self, token: str) -> bool:
        """Remove whatever exists under this token; whether there was anything."""
        ...

    async def runtime(self, host: str) -> Runtime:
        """The runtime on one of this backend's machines. Raises `InstanceUnreachable`."""
        ...
