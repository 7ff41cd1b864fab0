"""Whether an offer fits what was asked, and in which order offers are tried."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from spec.gpu import GpuRequest
from spec.machine import Gpu, RuntimeKind
from spec.offer import Offer, OfferQuery
from spec.profile import SpotPolicy
from spec.replica import Placement
from spec.resources import Resources
from spec.service import ServiceConfiguration
from spec.units import format_price

_LITTLE = 0.1
"""What GPUs lack that are enough in number, and not in memory."""


class Misfit(NamedTuple):
    """A property of the configuration that an offer does not meet, and how people say it.

    `lack` is how much of it is missing, from above 0 to 1: all of it, or nobody can tell.
    """

    requirement: str
    reason: str
    lack: float = 1.0


def misfits(
    query: OfferQuery, offer: Offer, *, enforce_defaults: bool = True
) -> tuple[Misfit, ...]:
    """Every requirement that the offer does not meet; none when it fits.

    Without `enforce_defaults`, resources that the user did not write are no requirement: on a
    machine that is there anyway, defaults only warn.
    """
    asked = query.configuration
    enforced = ("cpu", "memory", "disk") if enforce_defaults else query.requested
    return (
        *_unfit_place(asked, offer),
        *_unfit_price(asked, offer),
        *_unfit_sizes(asked.resources, offer, enforced),
        *_unfit_gpus(asked.resources, offer),
    )


def distance(lacking: Collection[Misfit]) -> tuple[int, float]:
    """How far an offer is from what was asked: by how many requirements, then by how much."""
    return len(lacking), sum(misfit.lack for misfit in lacking)


def unmet_defaults(query: OfferQuery, offer: Offer) -> tuple[str, ...]:
    """Default requirements, not written by the user, that the offer does not meet."""
    return tuple(
        f"The default `{name}: {wanted}` is more than this machine has ({has})."
        for name, wanted, has, lack in _sizes(query.configuration.resources, offer)
        if lack and name not in query.requested
    )


def ranked(offers: list[Offer]) -> tuple[Offer, ...]:
    """Available ones first, then by price; those of unknown price last."""
    return tuple(sorted(offers, key=_rank))


def untried(
    found: Iterable[Offer], tried: Collection[Offer], asked: Resources
) -> tuple[Offer, ...]:
    """Those that are no repetition of what was tried: another place, or other GPUs there."""
    known = {_share(offer, asked) for offer in tried}
    return tuple(offer for offer in found if _share(offer, asked) not in known)


def chosen_gpus(asked: Resources, free: tuple[Gpu, ...]) -> tuple[Gpu, ...] | None:
    """The fewest of the free GPUs that satisfy the request; None when they do not suffice."""
    request = asked.gpu
    if request is None or (request.count.min or 0) == 0:
        return ()
    fitting = fitting_gpus(asked, free)
    count = request.count.min or 1
    while count <= len(fitting) and request.count.holds(count):
        total = sum(gpu.memory for gpu in fitting[:count])
        if request.total_memory is None or request.total_memory.holds(total):
            return fitting[:count]
        count += 1
    return None


def placement_of(offer: Offer, asked: Resources) -> Placement:
    """Where a replica goes when it takes this offer."""
    taken = offer.model_copy(update={"gpus": chosen_gpus(asked, offer.gpus) or ()})
    return Placement(
        backend=offer.backend,
        region=offer.region,
        instance_type=offer.instance_type,
        resources=taken.resources,
        price=offer.price,
        exclusive=offer.runtime is RuntimeKind.PROCESS,
    )


def fitting_gpus(asked: Resources, gpus: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    """Those that the request would take."""
    return tuple(gpu for gpu in gpus if asked.gpu is not None and _fits_gpu(asked.gpu, gpu))


def _unfit_place(asked: ServiceConfiguration, offer: Offer) -> Iterator[Misfit]:
    wanted = (
        ("backends", asked.backends, offer.backend),
        ("regions", asked.regions, offer.region),
        ("availability_zones", asked.availability_zones, offer.zone),
        ("instance_types", asked.instance_types, offer.instance_type),
    )
    for name, allowed, given in wanted:
        if allowed and given.lower() not in {str(each).lower() for each in allowed}:
            yield Misfit(name, f"`{name}` does not include `{given or '-'}`")
    if asked.spot_policy is SpotPolicy.SPOT and not offer.spot:
        reason = "`spot_policy: spot` asks for spot instances, and this is none"
        yield Misfit("spot_policy", reason)
    if asked.spot_policy is SpotPolicy.ON_DEMAND and offer.spot:
        yield Misfit("spot_policy", "`spot_policy: on-demand` excludes spot instances")


def _unfit_price(asked: ServiceConfiguration, offer: Offer) -> Iterator[Misfit]:
    if asked.max_price is None:
        return
    if offer.price is None:
        yield Misfit("max_price", "its price is unknown, and `max_price` is set")
    elif offer.price > asked.max_price:
        price, limit = format_price(offer.price), format_price(asked.max_price)
        lack = 1 - asked.max_price / offer.price
        yield Misfit("max_price", f"it costs {price} an hour, `max_price` is {limit}", lack)


def _unfit_sizes(asked: Resources, offer: Offer, enforced: Collection[str]) -> Iterator[Misfit]:
    for name, wanted, has, lack in _sizes(asked, offer):
        if lack and name in enforced:
            yield Misfit(name, f"`{name}: {wanted}` is asked for, it has {has}", lack)


def _sizes(asked: Resources, offer: Offer) -> list[tuple[str, str, str, float]]:
    """(property, what is asked, what there is, the share that is missing: 0 when it fits).

    Only the lower end counts: a larger machine serves a smaller request, which then is limited.
    """
    arch_fits = asked.cpu.arch is None or asked.cpu.arch is offer.cpu_arch
    cpu_lack = _lack(asked.cpu.count.min, offer.cpus) if arch_fits else 1.0
    sizes = [
        ("cpu", str(asked.cpu), f"{offer.cpus} {offer.cpu_arch}", cpu_lack),
        _size("memory", str(asked.memory), asked.memory.min, offer.memory),
    ]
    if asked.disk is not None:
        sizes.append(_size("disk", str(asked.disk), asked.disk.min, offer.disk))
    return sizes


def _size(name: str, wanted: str, least: float | None, has: float) -> tuple[str, str, str, float]:
    return (name, wanted, f"{has:.1f}GB", _lack(least, has))


def _lack(least: float | None, has: float) -> float:
    return max(0.0, 1 - has / least) if least else 0.0


def _unfit_gpus(asked: Resources, offer: Offer) -> Iterator[Misfit]:
    if asked.gpu is None or (asked.gpu.count.min or 0) == 0:
        return
    if not offer.gpus:
        yield Misfit("gpu", f"`gpu: {asked.gpu}` is asked for, it has no GPU free")
    elif chosen_gpus(asked, offer.gpus) is None:
        has = ", ".join(f"{gpu.name}:{gpu.memory:g}GB" for gpu in offer.gpus)
        lack = _lack(asked.gpu.count.min, len(fitting_gpus(asked, offer.gpus))) or _LITTLE
        yield Misfit("gpu", f"`gpu: {asked.gpu}` is asked for, it has {has} free", lack)


def _fits_gpu(request: GpuRequest, gpu: Gpu) -> bool:
    names = {name.lower() for name in request.name or ()}
    vendor = request.inferred_vendor(own_image=True)
    return (
        (vendor is None or vendor is gpu.vendor)
        and (not names or gpu.name.lower() in names)
        and (request.memory is None or request.memory.holds(gpu.memory))
        and (
            request.compute_capability is None
            or (gpu.compute_capability or (0, 0)) >= request.compute_capability
        )
    )


def _share(offer: Offer, asked: Resources) -> tuple[str | bool, ...]:
    """What a replica would take of this offer."""
    gpus = (gpu.id for gpu in chosen_gpus(asked, offer.gpus) or ())
    return (offer.place, offer.instance_type, offer.spot, *gpus)


def _rank(offer: Offer) -> tuple[bool, bool, float, str]:
    return (not offer.available, offer.price is None, offer.price or 0, offer.place)
