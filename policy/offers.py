"""What a search for offers comes to: what fits, best first, and why the rest does not."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from policy.image import DefaultImage
from policy.placement import Misfit, distance, fitting_gpus, misfits, ranked, unmet_defaults
from policy.runtime import runtime_refusals
from spec.machine import RuntimeFacts, RuntimeKind
from spec.offer import Offer, OfferList, OfferQuery, Refusal, RefusalKind
from spec.public import Model
from spec.run_spec import RunSpec

KEPT = 100
"""Offers that are passed on. Each list is kept in a history: a cloud's thousands would fill it."""

NO_ISOLATION = (
    "The process runtime has no isolation: for trying things out, not for code that you do not "
    "trust. Limits of CPU and memory are not enforced."
)
ONE_PORT = (
    "Replicas of the process runtime would listen on one port: `replicas: {}` comes to one at most."
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


class Unfit(NamedTuple):
    """An offer, and all that it lacks."""

    offer: Offer
    misfits: tuple[Misfit, ...]

    @property
    def requirements(self) -> tuple[str, ...]:
        """The names of the properties that it does not meet."""
        return tuple(misfit.requirement for misfit in self.misfits)

    @property
    def distance(self) -> tuple[int, float]:
        """How far it is from what was asked."""
        return distance(self.misfits)


def judge(query: OfferQuery, found: Sequence[Found], image: DefaultImage) -> OfferList:
    """The best of what fits, and each reason once why the rest does not: the closest one first."""
    judged = [_judge(query, each, image) for each in found]
    fitting = ranked([offer for offers, _, _ in judged for offer in offers])
    refusals = [refusal for _, refused, _ in judged for refusal in refused]
    refusals += _refusals([each for _, _, unfit in judged for each in unfit])
    lenient = {each.backend for each in found if not each.enforces_defaults}
    prices = [offer.price for offer in fitting if offer.price is not None]
    return OfferList(
        offers=fitting[:KEPT],
        more=len(fitting[KEPT:]),
        max_price=max(prices, default=None),
        refusals=tuple(dict.fromkeys(refusals)),
        warnings=tuple(dict.fromkeys(_warnings(query, fitting[:KEPT], lenient))),
    )


def _judge(
    query: OfferQuery, found: Found, image: DefaultImage
) -> tuple[list[Offer], list[Refusal], list[Unfit]]:
    spec = RunSpec(configuration=query.configuration, digests=query.digests)
    refused = {
        kind: runtime_refusals(spec, kind, found.facts, image)
        for kind in {offer.runtime for offer in found.offers}
    }
    fitting: list[Offer] = []
    refusals = [] if found.refusal is None else [found.refusal]
    unfit: list[Unfit] = []
    for offer in found.offers:
        lacking = misfits(query, offer, enforce_defaults=found.enforces_defaults)
        if lacking:
            unfit.append(Unfit(offer, lacking))
        elif refused[offer.runtime]:
            refusals += refused[offer.runtime]
        else:
            gpus = fitting_gpus(query.configuration.resources, offer.gpus)
            fitting.append(offer.model_copy(update={"gpus": gpus}))
    return fitting, refusals, unfit


def _refusals(unfit: Sequence[Unfit]) -> Iterator[Refusal]:
    """One for all offers of a backend that lack the same, told of the one that lacks least."""
    alike: dict[tuple[str, tuple[str, ...]], list[Unfit]] = {}
    for each in sorted(unfit, key=lambda each: each.distance):
        alike.setdefault((each.offer.backend, each.requirements), []).append(each)
    for number, ((backend, names), group) in enumerate(alike.items()):
        best = group[0]
        reasons = "; ".join(misfit.reason for misfit in best.misfits)
        closest = " comes closest, and" if number == 0 and len(unfit) > 1 else ""
        message = f"`{best.offer.place}`{closest} does not fit: {reasons}."
        if len(group) > 1:
            listed = ", ".join(f"`{name}`" for name in names)
            message += f" Nor do {len(group) - 1} more of `{backend}`, by {listed}."
        yield Refusal(kind=RefusalKind.CAPACITY, subject=backend, message=message)


def _warnings(query: OfferQuery, offers: Iterable[Offer], lenient: set[str]) -> Iterator[str]:
    for offer in offers:
        if offer.runtime is RuntimeKind.PROCESS:
            yield NO_ISOLATION
            if query.configuration.replicas.max > 1:
                yield ONE_PORT.format(query.configuration.replicas)
        if offer.backend in lenient:
            yield from unmet_defaults(query, offer)
