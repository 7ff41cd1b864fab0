"""Offers: ask every backend what it has; the policy judges it."""

import asyncio
from collections.abc import Mapping

from backends.base import Backend
from engine import deeds
from perdure.errors import PerdureError
from policy.image import DefaultImage
from policy.offers import Found, judge
from spec.offer import OfferList, OfferQuery, Refusal, RefusalKind


class Offers:
    """What can be had, from all backends that this installation has."""

    def __init__(self, backends: Mapping[str, Backend], default_image: DefaultImage) -> None:
        self._backends = backends
        self._default_image = default_image

    @deeds.search_offers.implemented
    async def search_offers(self, query: OfferQuery) -> OfferList:
        """Best first. A backend that does not answer is a refusal, not an error."""
        asked = (_ask(backend, query) for backend in self._backends.values())
        return judge(query, await asyncio.gather(*asked), self._default_image)


async def _ask(backend: Backend, query: OfferQuery) -> Found:
    found = Found(backend=backend.name, enforces_defaults=backend.enforces_defaults)
    try:
        offers, facts = await backend.offers(query), await backend.facts()
    except PerdureError as error:
        refusal = Refusal(
            kind=RefusalKind.CAPACITY,
            subject=backend.name,
            message=error.message,
            hint=error.hint,
        )
        return found.model_copy(update={"refusal": refusal})
    return found.model_copy(update={"offers": offers, "facts": facts})
