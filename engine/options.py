"""Time-outs and retry policies, each with its reason."""

from datetime import timedelta
from functools import cache

from temporalio.common import RetryPolicy

from perdure import errors
from perdure.settings import read_settings

FINAL_ERRORS = (
    errors.NoCapacity,
    errors.InvalidInput,
    errors.NotFound,
    errors.RuntimeUnsupported,
    errors.ImageNotFound,
    errors.ImagePullDenied,
    errors.ContainerCreateFailed,
    errors.VolumeFailed,
    errors.NotReadyInTime,
)
"""Another try at the same thing cannot help."""

PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=0.5),
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=8,
)
"""For what is up most of the time: a provider, a registry, a container engine."""

WATCHING = RetryPolicy(
    initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=10)
)
"""For what only looks: it goes on for as long as there is something to see."""

FOREVER = RetryPolicy(
    initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(minutes=5)
)
"""For what must not be given up: releasing what we own."""

FIRST_APPLY = timedelta(seconds=30)
"""A run whose first apply was refused has nothing to do and ends after this long."""

LAST_LOGS = timedelta(seconds=60)
"""How long the release of an ended container waits for the rest of its log."""


@cache
def heartbeat() -> timedelta:
    """A dead worker's deeds are taken over after this long.

    Of this process's settings, when the first deed is asked for: whoever imports this reads none.
    """
    return timedelta(seconds=read_settings().heartbeat)


def minutes(count: float) -> timedelta:
    """`count` minutes."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """`count` hours."""
    return timedelta(hours=count)
