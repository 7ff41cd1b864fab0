"""What is counted of the store, in each process that has it open."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

from spec.decision import Rule

SECONDS = Histogram(
    "perdure_store_duration_seconds",
    "A transaction, with the wait for its turn.",
    ["kind"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15),
)
FAILURES = Counter(
    "perdure_store_failures", "Transactions that the database did not carry out.", ["kind"]
)
LOG_LINES = Counter("perdure_log_lines_stored", "Lines of replicas' logs.")
LOG_BYTES = Counter("perdure_log_stored_bytes", "Of replicas' logs, as they are kept.")
DECISIONS = Counter(
    "perdure_decisions", "Decisions of runs that this process kept, by rule.", ["rule"]
)
for _rule in Rule:  # from zero on: the first one of a rare rule is an increase, too
    DECISIONS.labels(_rule.value)


@contextmanager
def timed(kind: str) -> Iterator[None]:
    """Time a transaction."""
    began = time.perf_counter()
    try:
        yield
    finally:
        SECONDS.labels(kind).observe(time.perf_counter() - began)
