"""Releasing goes on until nothing is found."""

from temporalio.testing import ActivityEnvironment

from activities.instances import Instances
from hosts.base import Runtime
from spec.deeds import CreateOrder, Instance, Released, ReleaseOrder
from spec.machine import RuntimeFacts
from spec.offer import Offer, OfferQuery


class LateBackend:
    """Of each token, more turns up after it was released."""

    name = "late"
    enforces_defaults = False

    def __init__(self, **left: int) -> None:
        self.left = left

    async def offers(self, query: OfferQuery) -> tuple[Offer, ...]:
        return ()

    async def facts(self) -> RuntimeFacts:
        raise NotImplementedError

    async def create(self, order: CreateOrder) -> Instance:
        raise NotImplementedError

    async def release(self, token: str) -> bool:
        found = self.left.get(token, 0)
        self.left[token] = max(0, found - 1)
        return found > 0

    async def runtime(self, host: str) -> Runtime:
        raise NotImplementedError


async def test_a_release_looks_again_until_nothing_is_found() -> None:
    backend = LateBackend(a=2, b=0, c=1)
    order = ReleaseOrder(backends=dict.fromkeys("abc", "late"))
    released = await ActivityEnvironment().run(Instances({"late": backend}).release, order)
    assert released == Released(removed=3)
    assert set(backend.left.values()) == {0}
