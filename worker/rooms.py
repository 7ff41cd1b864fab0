"""What a worker's deeds need, put together once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client

from activities.closing import Closings
from activities.containers import Containers
from activities.drains import Drains
from activities.instances import Instances
from activities.jobs import Jobs
from activities.logs import Logs
from activities.monitoring import Monitors
from activities.offers import Offers
from activities.readiness import Readinesses
from backends.base import Backend
from engine.ids import Queue
from perdure.settings import Settings
from policy.image import DefaultImage
from store.database import Store

Implementation = Callable[..., Any]


@dataclass(frozen=True)
class Rooms:
    """The implementations of all deeds, by the queue that their declaration names."""

    by_queue: dict[Queue, list[Implementation]]


def make_rooms(
    settings: Settings, client: Client, store: Store, backends: dict[str, Backend]
) -> Rooms:
    """Every deed once."""
    default_image = DefaultImage(
        template=settings.image,
        nvcc_suffix=settings.image_nvcc_suffix,
        pythons=settings.image_pythons,
    )
    jobs = Jobs(store, default_image)
    offers, instances = Offers(backends, jobs), Instances(backends)
    containers, readinesses = (
        Containers(backends, jobs),
        Readinesses(backends, settings.start_timeout),
    )
    monitors, drains = Monitors(backends, client, settings.owner_check), Drains(store)
    logs, closings = Logs(backends, store), Closings(store)
    return Rooms(
        {
            Queue.CLOUD: [
                offers.search_offers,
                instances.create_instance,
                instances.release,
                closings.close_run,
            ],
            Queue.HOST: [containers.pull_image, containers.start_container, containers.halt],
            Queue.WATCH: [
                readinesses.wait_ready,
                logs.collect_logs,
                monitors.monitor,
                drains.drain,
            ],
        }
    )
