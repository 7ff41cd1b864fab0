"""What carries out the deeds of a worker, put together once."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from temporalio.client import Client

from activities.closing import Closings
from activities.containers import Containers
from activities.decisions import Decisions
from activities.drains import Drains
from activities.instances import Instances
from activities.jobs import Jobs
from activities.load_board import LoadBoard
from activities.logs import Logs
from activities.monitoring import Monitors
from activities.offers import Offers
from activities.readiness import Readinesses
from activities.watches import Watches
from backends.base import Backend
from engine import deeds
from engine.deed import deed_of
from engine.ids import Queue
from perdure.settings import Settings
from policy.image import DefaultImage
from store.proxies import Proxies
from store.store import Store

Implementations = Mapping[Queue, Sequence[Callable[..., Any]]]
"""The methods that implement deeds, by the queue that each deed's declaration names."""


def make_implementations(
    settings: Settings, client: Client, store: Store, backends: dict[str, Backend]
) -> Implementations:
    """Every deed once."""
    default_image = DefaultImage(
        template=settings.image,
        nvcc_suffix=settings.image_nvcc_suffix,
        pythons=settings.image_pythons,
    )
    jobs = Jobs(store, default_image)
    proxies = Proxies(store.leases)
    return by_queue(
        [
            Offers(backends, default_image),
            Instances(backends),
            Containers(backends, jobs, default_image),
            Readinesses(backends, settings.start_timeout),
            Monitors(backends, client, settings.owner_check),
            Logs(backends, store),
            Drains(proxies),
            Watches(LoadBoard(proxies, settings.watch_tick)),
            Closings(store),
            Decisions(store),
        ]
    )


def by_queue(doers: Iterable[object]) -> Implementations:
    """The deeds that these objects implement. Raises `TypeError` unless it is every deed once.

    A deed without an implementation would wait in its queue for ever, without a word.
    """
    methods = [getattr(doer, name) for doer in doers for name in dir(doer)]
    found = [(deed, method) for method in methods if (deed := deed_of(method)) is not None]
    times = Counter(deed.name for deed, _ in found)
    counts = {deed.name: times[deed.name] for deed in deeds.ALL}
    wrong = [f"`{name}` ({count} times)" for name, count in counts.items() if count != 1]
    if wrong:
        raise TypeError(f"Deeds that are not implemented exactly once: {', '.join(wrong)}")
    return {
        queue: [method for deed, method in found if deed.queue is queue]
        for queue in dict.fromkeys(deed.queue for deed, _ in found)
    }
