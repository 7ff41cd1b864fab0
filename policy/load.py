"""From what proxies count to the load of a service."""

from datetime import datetime, timedelta

from policy.autoscale import decide, new_load, seen
from spec.load import Counted, Figures, LoadSample, WatchMemory
from spec.scale import ScalingRule, Verdict, WatchOrder

FORGOTTEN_AFTER = timedelta(hours=1)
"""A proxy that was silent for so long is gone: each that starts has a boot of its own."""


def begun(order: WatchOrder, now: datetime) -> WatchMemory:
    """What a watch knows when it begins: what the one before it did; what is there is needed."""
    before = order.memory or WatchMemory()
    return before.model_copy(update={"load": new_load(order.current, now, before.load)})


def taken_in(memory: WatchMemory, figures: Figures, order: WatchOrder) -> WatchMemory:
    """The memory after these figures.

    A proxy that is met for the first time tells only where its count begins: who knows when what
    it has counted arrived? One that was silent tells of all that time.
    """
    load = memory.load
    samples = [LoadSample(at=figures.at, seconds=0, arrived=0, busy=figures.busy)]
    for boot, count in figures.arrived.items():
        before = memory.counted.get(boot)
        if before is not None and count > before.count:
            since = max(before.at, figures.since or before.at)
            samples.append(
                LoadSample(
                    at=figures.at,
                    seconds=(figures.at - since).total_seconds(),
                    arrived=count - before.count,
                    busy=figures.busy,
                )
            )
    for sample in samples:
        load = seen(load, sample, order.asked)
    counted = {boot: Counted(at=figures.at, count=count) for boot, count in figures.arrived.items()}
    oldest = figures.at - FORGOTTEN_AFTER
    silent = {boot: last for boot, last in memory.counted.items() if last.at > oldest}
    return WatchMemory(load=load, counted=silent | counted)


def awake(memory: WatchMemory, now: datetime) -> WatchMemory:
    """What a watch knows of a run that slept until `now`: until then nothing had arrived."""
    counted = {boot: Counted(at=now, count=last.count) for boot, last in memory.counted.items()}
    return memory.model_copy(update={"counted": counted})


def found(memory: WatchMemory, figures: Figures, order: WatchOrder) -> Verdict | None:
    """Another number than the current one; None while that is right.

    As long as a proxy is silent, nobody knows that fewer are enough. The last replica of a run that
    is unproven stays: before it can be ready, nobody is served.
    """
    verdict = decide(memory.load, order.asked, figures.at, order.current, order.changed_at)
    if order.unproven and order.current and not verdict.desired:
        verdict = verdict.model_copy(update={"desired": 1})
    if verdict.desired == order.current or not figures.arrived:
        return None
    falls = verdict.rule is ScalingRule.DOWN
    return None if falls and not figures.is_whole else verdict


def is_quiet(memory: WatchMemory, figures: Figures, order: WatchOrder) -> bool:
    """Whether nothing will change before somebody asks: time alone changes nothing any more."""
    verdict = decide(memory.load, order.asked, figures.at, order.current, order.changed_at)
    return (
        figures.is_whole
        and not memory.load.arrivals
        and memory.load.busy == 0
        and verdict.rule is ScalingRule.STEADY
        and verdict.highest == verdict.need
    )
