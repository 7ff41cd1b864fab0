"""Case after case against one proxy process, for a time or for a number of them."""

import asyncio
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.proxy.fuzz.cases import Lane
from tests.proxy.running import RunningProxy
from tests.testbed.deadline import eventually

LIMITS = (
    *("--head-seconds", "3", "--silent-seconds", "3", "--idle-seconds", "4"),
    *(
        "--linger-seconds",
        "3",
        "--tunnel-seconds",
        "3",
        "--parked-seconds",
        "30",
        "--sweep-seconds",
        "0.2",
    ),
)
"""Short enough that a slow case ends soon, and longer than a busy machine stops for."""

LANES = 12
WARM_UP = 0.2
"""Of the time: until then memory grows for good reasons (caches, buffers, code)."""

FLAT = 8 * 2**20
"""Bytes of memory between the end of the warm-up and the end of all that count as none."""


class CaseFailed(Exception):
    """A case that showed something wrong; the message says how to see it again."""


@dataclass
class Report:
    """What was done, and what it cost. Memory in bytes; `files` open after the last case."""

    seed: str
    cases: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    warm: int = 0
    highest: int = 0
    end: int = 0
    files: int = 0

    def __str__(self) -> str:
        memory = " / ".join(f"{each / 2**20:.1f}" for each in (self.warm, self.highest, self.end))
        told = ", ".join(f"{count:,} {name}" for name, count in sorted(self.counts.items()))
        return (
            f"seed {self.seed}: {self.cases:,} cases in {self.seconds:.0f} s: {told}\n"
            f"memory after warm-up / highest / end: {memory} MiB; {self.files} files open"
        )


class Campaign:
    """`cases` in order from `first` on, as many at a time as there are lanes."""

    def __init__(self, folder: Path, seed: str, *, first: int = 0) -> None:
        self._folder = folder
        self._next = first
        self._first = first
        self.report = Report(seed)

    async def run(
        self, seconds: float, *, cases: int | None = None, tell: Callable[[str], None] | None = None
    ) -> Report:
        """Until the time is over, or so many cases were run. Raises `CaseFailed`."""
        proxy = RunningProxy(self._folder, *LIMITS)
        try:
            await self._run(proxy, seconds, cases, tell)
            await eventually(lambda: proxy.in_flight == 0, "requests in flight end")
            self.report.files = psutil.Process(proxy.process.pid).num_fds()
            self._measure(proxy, over=True)
        finally:
            code = proxy.stop()
        log = proxy.log.read_text()
        if code or "Traceback" in log or "could not be handled" in log:
            raise CaseFailed(f"The proxy ended with {code}:\n{log[-5000:]}")
        return self.report

    async def _run(
        self,
        proxy: RunningProxy,
        seconds: float,
        cases: int | None,
        tell: Callable[[str], None] | None,
    ) -> None:
        lanes = [Lane(proxy, self.report.counts) for _ in range(LANES if cases != 1 else 1)]
        for number, lane in enumerate(lanes):
            await lane.open(number)
        begun = time.monotonic()
        until = begun + seconds
        last = None if cases is None else self._first + cases
        working = [asyncio.create_task(self._work(lane, until, last)) for lane in lanes]
        try:
            while any(not each.done() for each in working):
                await asyncio.wait(working, timeout=1, return_when=asyncio.FIRST_EXCEPTION)
                if any(each.done() and each.exception() for each in working):
                    break
                self._measure(proxy, warm=time.monotonic() - begun < WARM_UP * seconds)
                if tell:
                    tell(f"{time.monotonic() - begun:.0f} s, {self.report.cases:,} cases")
            for each in working:
                if each.done():
                    each.result()
        finally:
            for each in working:
                each.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            for lane in lanes:
                await lane.close()
            self.report.seconds = time.monotonic() - begun

    async def _work(self, lane: Lane, until: float, last: int | None) -> None:
        while time.monotonic() < until and (last is None or self._next < last):
            number, self._next = self._next, self._next + 1
            try:
                await lane.run(random.Random(f"{self.report.seed}/{number}"))
            except Exception as error:
                again = f"make fuzz SEED={self.report.seed} CASE={number}"
                told = "".join(traceback.format_exception(error))
                raise CaseFailed(f"Case {number} (again: `{again}`):\n{told[-5000:]}") from error
            self.report.cases += 1

    def _measure(self, proxy: RunningProxy, *, warm: bool = False, over: bool = False) -> None:
        report, now = self.report, proxy.memory
        report.highest = max(report.highest, now)
        if warm or not report.warm:
            report.warm = max(report.warm, now)
        if over:
            report.end = now
