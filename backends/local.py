"""The machine that the worker runs on, at no price.

Its CPUs, memory and disk are shared; a GPU belongs to one replica at a time.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from hosts.base import Runtime
from spec.deeds import CreateOrder, Instance
from spec.machine import RuntimeFacts
from spec.offer import Offer, OfferQuery

HOST = "local"


class GpuClaims(Protocol):
    """Which GPU belongs to which token; kept where all workers see it."""

    async def claimed(self, host: str) -> Mapping[str, str]:
        """The claimed GPUs of a host by id, each with its token."""
        ...

    async def claim(self, host: str, token: str, ids: Sequence[str]) -> None:
        """Claim all of them in one step; what this token has already counts.

        Raises `NoCapacity` when another token has one: then nothing was claimed.
        """
        ...

    async def release(self, token: str) -> None:
        """Give back what the token has."""
        ...


class LocalBackend:
    """One machine, one runtime."""

    name = "local"
    enforces_defaults = False

    def __init__(self, runtime: Runtime, claims: GpuClaims) -> None:
        self._runtime = runtime
        self._claims = claims

    async def offers(self, query: OfferQuery) -> tuple[Offer, ...]:
        """One offer: this machine, with the GPUs that are free."""
        machine = await self._runtime.machine()
        taken = await self._claims.claimed(HOST)
        offer = Offer(
            backend=self.name,
            region=HOST,
            instance_type=HOST,
            runtime=machine.runtime,
            cpu_arch=machine.cpu_arch,
            cpus=machine.cpus,
            memory=machine.memory,
            disk=machine.disk,
            gpus=tuple(gpu for gpu in machine.gpus if gpu.id not in taken),
            price=0.0,
        )
        return (offer,)

    async def facts(self) -> RuntimeFacts:
        """Those of the machine's runtime."""
        return await self._runtime.facts()

    async def create(self, order: CreateOrder) -> Instance:
        """Claim the chosen GPUs, if any: there is nothing else to create."""
        if order.gpu_ids:
            await self._claims.claim(HOST, order.token, order.gpu_ids)
        return Instance(token=order.token, backend=self.name, host=HOST, gpus=order.gpu_ids)

    async def release(self, token: str) -> bool:
        """Remove the job, then give back its GPUs."""
        removed = await self._runtime.remove(token)
        await self._claims.release(token)
        return removed

    async def runtime(self, host: str) -> Runtime:
        """The one that there is."""
        return self._runtime
