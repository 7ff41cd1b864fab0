"""Offers: ask every backend, keep what fits, say why the rest does not."""

import asyncio
from collections.abc import Mapping

from activities.jobs import Jobs
from backends.base import Backend
from engine import deeds
from perdure.errors import PerdureError
from policy.placement import fitting_gpus, ranked, unfit, unmet_defaults
from spec.machine import RuntimeKind
from spec.offer import Offer, OfferList, OfferQuery, Refusal, RefusalKind

NO_ISOLATION = (
    "The process runtime has no isolation: for trying things out, not for code that you do not "
    "trust. Limits of CPU and memory are not enforced."
)


class Offers:
    """What can be had, from all backends that this installation has."""

    def __init__(self, backends: Mapping[str, Backend], jobs: Jobs) -> None:
        self._backends = backends
        self._jobs = jobs

    @deeds.search_offers.implemented
    async def search_offers(self, query: OfferQuery) -> OfferList:
        """Best first. A backend that does not answer is a refusal, not an error."""
        found = await asyncio.gather(
            *(self._search(backend, query) for backend in self._backends.values())
        )
        offers = [offer for each in found for offer in each.offers]
        return OfferList(
            offers=ranked(offers),
            refusals=tuple(refusal for each in found for refusal in each.refusals),
            warnings=tuple(warning for each in found for warning in each.warnings),
        )

    async def _search(self, backend: Backend, query: OfferQuery) -> OfferList:
        try:
            offers = await backend.offers(query)
            judged = [await self._judge(backend, offer, query) for offer in offers]
        except PerdureError as error:
            return OfferList(refusals=(_no_place(backend, error.message, error.hint),))
        return OfferList(
            offers=tuple(offer for each in judged for offer in each.offers),
            refusals=tuple(refusal for each in judged for refusal in each.refusals),
            warnings=tuple(warning for each in judged for warning in each.warnings),
        )

    async def _judge(self, backend: Backend, offer: Offer, query: OfferQuery) -> OfferList:
        reason = unfit(query, offer, enforce_defaults=backend.enforces_defaults)
        if reason is not None:
            message = f"`{offer.place}` does not fit: {reason}."
            return OfferList(refusals=(_no_place(backend, message),))
        runtime = await backend.runtime(offer.instance_type)
        refusals = self._jobs.refusals(runtime, offer, query)
        if refusals:
            return OfferList(refusals=refusals)
        asked = query.configuration.resources
        kept = offer.model_copy(update={"gpus": fitting_gpus(asked, offer.gpus)})
        notes = () if backend.enforces_defaults else unmet_defaults(query, offer)
        isolation = (NO_ISOLATION,) if offer.runtime is RuntimeKind.PROCESS else ()
        return OfferList(offers=(kept,), warnings=(*isolation, *notes))


def _no_place(backend: Backend, message: str, hint: str = "") -> Refusal:
    return Refusal(kind=RefusalKind.CAPACITY, subject=backend.name, message=message, hint=hint)
