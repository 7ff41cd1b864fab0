"""Whether a replica leaves its GPUs idle: `utilization_policy`."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from spec.deeds import Idleness, MonitorOrder
from spec.profile import UtilizationPolicy
from spec.units import format_duration


def looked(idle: Idleness, used: Mapping[str, int], order: MonitorOrder, now: datetime) -> Idleness:
    """What is known after another look at how much of each GPU is used, in percent.

    One GPU that is used is enough, and one that does not tell may be.
    """
    policy = order.utilization
    if policy is None or not order.instance.gpus:
        return Idleness(busy_at=now)
    shares = [used.get(gpu) for gpu in order.instance.gpus]
    idles = all(share is not None and share < policy.min_gpu_utilization for share in shares)
    return idle if idles else Idleness(busy_at=now)


def is_over(idle: Idleness, policy: UtilizationPolicy | None, now: datetime) -> bool:
    """Whether its GPUs have been idle for the whole window."""
    if policy is None:
        return False
    return now - idle.busy_at >= timedelta(seconds=policy.time_window)


def in_words(policy: UtilizationPolicy) -> str:
    """Why it ends."""
    window = format_duration(policy.time_window)
    return f"No GPU of it was used by {policy.min_gpu_utilization} % in {window}."
