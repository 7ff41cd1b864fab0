"""What is counted of deeds, where they are done."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge

RUNNING = Gauge("perdure_deeds_running", "Deeds that are being done by this worker.", ["deed"])
ENDED = Counter(
    "perdure_deeds",
    "Attempts at a deed that ended: `done`, `failed` (it may be tried again) or `cancelled`.",
    ["deed", "outcome"],
)


@contextmanager
def counted(deed: str) -> Iterator[None]:
    """Count an attempt, and how it ends."""
    outcome = "failed"
    RUNNING.labels(deed).inc()
    try:
        yield
        outcome = "done"
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    finally:
        RUNNING.labels(deed).dec()
        ENDED.labels(deed, outcome).inc()
