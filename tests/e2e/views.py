"""What may be true of a run, as the API shows it."""

from typing import Any

View = dict[str, Any]


def ready(run: View) -> int:
    """How many of its replicas are."""
    return sum(replica["ready"] for replica in run["replicas"])


def serves(run: View, count: int, deployment: int = 0) -> bool:
    """Whether it has so many replicas, all of them ready; of that deployment, where one is told."""
    of_it = all(deployment in (0, replica["deployment"]) for replica in run["replicas"])
    return len(run["replicas"]) == ready(run) == count and of_it and not run["updating"]


def is_asleep(run: View) -> bool:
    """Whether nothing of it is left, and the next request wakes it."""
    return bool(run["asleep"]) and not run["replicas"]


def is_empty(run: View) -> bool:
    """Whether nothing of it is left."""
    return not run["replicas"]
