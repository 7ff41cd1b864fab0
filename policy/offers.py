"""What a search for offers comes to: what fits, best first, and why the rest does not."""

from collections.abc import Iterable, Iterator, Sequence

from policy.image import DefaultImage
from policy.placement import Misfit, fitting_gpus, ranked, unfit, unmet_defaults
from policy.runtime import runtime_refusals
from spec.machine import RuntimeFacts, RuntimeKind
from spec.offer import Offer, OfferList, OfferQuery, Refusal, RefusalKind
from spec.public import Model
from spec.run import RunSpec

KEPT = 100
"""Offers that are passed on. Each list is kept in a history: a cloud's thousands would fill it."""

NO_ISOLATION = (
    "The process runtime has no isolation: for trying things out, not for code that you do not "
    "trust. Limits of CPU and memory are not enforced."
)


class Found(Model):
    """What a backend answered: its offers, fitting or not, or the refusal that it gave instead.

    `enforces_defaults` says whether resources that nobody wrote choose machines, or only warn.
    """

    backend: str
    enforces_defaults: bool
    offers: tuple[Offer, ...] = ()
    facts: RuntimeFacts = RuntimeFacts()
    refusal: Refusal | None = None


def judge(query: OfferQuery, found: Sequence[Found], image: DefaultImage) -> OfferList:
    """The best of what fits, and each reason once why the rest does not."""
    judged = [_judge(query, each, image) for each in found]
    fitting = ranked([offer for offers, _ in judged for offer in offers])
    lenient = {each.backend for each in found if not each.enforces_defaults}
    prices = [offer.price for offer in fitting if offer.price is not None]
    return OfferList(
        offers=fitting[:KEPT],
        more=len(fitting[KEPT:]),
        max_price=max(prices, default=None),
        refusals=tuple(dict.fromkeys(each for _, refusals in judged for each in refusals)),
        warnings=tuple(dict.fromkeys(_warnings(query, fitting[:KEPT], lenient))),
    )


def _judge(
    query: OfferQuery, found: Found, image: DefaultImage
) -> tuple[list[Offer], list[Refusal]]:
    spec = RunSpec(configuration=query.configuration, digests=query.digests)
    refused = {
        kind: runtime_refusals(spec, kind, found.facts, image, backend=found.backend)
        for kind in {offer.runtime for offer in found.offers}
    }
    fitting: list[Offer] = []
    refusals = [] if found.refusal is None else [found.refusal]
    misfits: dict[str, list[tuple[Offer, Misfit]]] = {}
    for offer in found.offers:
        misfit = unfit(query, offer, enforce_defaults=found.enforces_defaults)
        if misfit is not None:
            misfits.setdefault(misfit.requirement, []).append((offer, misfit))
        elif refused[offer.runtime]:
            refusals += refused[offer.runtime]
        else:
            gpus = fitting_gpus(query.configuration.resources, offer.gpus)
            fitting.append(offer.model_copy(update={"gpus": gpus}))
    refusals += [_refusal(found.backend, alike) for alike in misfits.values()]
    return fitting, refusals


def _refusal(backend: str, alike: list[tuple[Offer, Misfit]]) -> Refusal:
    """One for all offers that lack the same."""
    offer, misfit = alike[0]
    if len(alike) == 1:
        message = f"`{offer.place}` does not fit: {misfit.reason}."
    else:
        message = (
            f"`{offer.place}` and {len(alike) - 1} more offers of `{backend}` do not fit by "
            f"`{misfit.requirement}`: {misfit.reason}."
        )
    return Refusal(kind=RefusalKind.CAPACITY, subject=backend, message=message)


def _warnings(query: OfferQuery, offers: Iterable[Offer], lenient: set[str]) -> Iterator[str]:
    for offer in offers:
        if offer.runtime is RuntimeKind.PROCESS:
            yield NO_ISOLATION
        if offer.backend in lenient:
            yield from unmet_defaults(query, offer)
