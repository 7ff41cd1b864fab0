"""All deeds of the system, in the order of a replica's life."""

from typing import Any

from temporalio.workflow import ActivityCancellationType

from engine.deed import Deed
from engine.ids import Queue
from engine.options import FOREVER, PATIENT, WATCHING, hours, minutes
from spec.deeds import (
    Closed,
    CloseOrder,
    Collected,
    CollectOrder,
    ContainerOrder,
    CreateOrder,
    DecisionBatch,
    DrainOrder,
    DrainReport,
    HaltOrder,
    Instance,
    Kept,
    MonitorOrder,
    MonitorReport,
    Pulled,
    Readiness,
    ReadyOrder,
    Released,
    ReleaseOrder,
)
from spec.job import JobState
from spec.offer import OfferList, OfferQuery
from spec.scale import WatchOrder, WatchReport

search_offers = Deed(
    "search_offers", OfferQuery, OfferList, queue=Queue.CLOUD, timeout=minutes(2), retry=PATIENT
)

create_instance = Deed(
    "create_instance",
    CreateOrder,
    Instance,
    queue=Queue.CLOUD,
    timeout=minutes(10),
    retry=PATIENT,
    # A release must not overtake a create that is still on its way.
    cancellation=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

pull_image = Deed(
    "pull_image", ContainerOrder, Pulled, queue=Queue.HOST, timeout=hours(4), retry=PATIENT
)

start_container = Deed(
    "start_container",
    ContainerOrder,
    JobState,
    queue=Queue.HOST,
    timeout=minutes(30),
    retry=PATIENT,
    cancellation=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

collect_logs = Deed(
    "collect_logs",
    CollectOrder,
    Collected,
    queue=Queue.WATCH,
    # Renews daily: the time-out starts another attempt, which adds nothing to the history.
    timeout=hours(24),
    retry=WATCHING,
)

wait_ready = Deed(
    "wait_ready", ReadyOrder, Readiness, queue=Queue.WATCH, timeout=hours(24), retry=WATCHING
)

monitor = Deed(
    "monitor", MonitorOrder, MonitorReport, queue=Queue.WATCH, timeout=hours(24), retry=WATCHING
)

load_watch = Deed(
    "load_watch", WatchOrder, WatchReport, queue=Queue.WATCH, timeout=hours(24), retry=WATCHING
)

drain = Deed("drain", DrainOrder, DrainReport, queue=Queue.WATCH, timeout=hours(24), retry=WATCHING)

halt = Deed("halt", HaltOrder, JobState, queue=Queue.HOST, timeout=hours(24), retry=FOREVER)

release = Deed(
    "release", ReleaseOrder, Released, queue=Queue.CLOUD, timeout=minutes(10), retry=FOREVER
)

close_run = Deed(
    "close_run", CloseOrder, Closed, queue=Queue.CLOUD, timeout=minutes(1), retry=FOREVER
)

keep_decisions = Deed(
    "keep_decisions",
    DecisionBatch,
    Kept,
    queue=Queue.CLOUD,
    timeout=minutes(1),
    retry=FOREVER,
)

ALL: tuple[Deed[Any, Any], ...] = tuple(
    each for each in globals().values() if isinstance(each, Deed)
)
"""Each deed once: what a worker must be able to do."""
