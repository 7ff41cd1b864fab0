"""What runs publish, as it changes: each run is watched once, however many want to hear of it."""

import asyncio
from collections.abc import AsyncIterator

from engine.runs import Runs
from spec.run_status import RunStatus


class RunWatchers:
    """The watchers of this process. One lives from its first listener to its last."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._watchers: dict[tuple[str, str], _Watcher] = {}

    async def watch(self, project: str, run: str) -> AsyncIterator[RunStatus]:
        """The status now, and at each change until the run is over, as `Runs.watch` has it.

        Whoever is slow hears of the latest change only.
        """
        name = (project, run)
        watcher = self._watchers.get(name)
        if watcher is None or watcher.is_over:
            watcher = self._watchers[name] = _Watcher(self._runs.watch(project, run))
        watcher.listeners += 1
        try:
            async for status in watcher.statuses():
                yield status
        finally:
            watcher.listeners -= 1
            if not watcher.listeners:
                watcher.end()
                if self._watchers.get(name) is watcher:
                    del self._watchers[name]


class _Watcher:
    """Follows one run."""

    def __init__(self, followed: AsyncIterator[RunStatus]) -> None:
        self.listeners = 0
        self._latest: RunStatus | None = None
        self._news = asyncio.Event()
        self._following = asyncio.create_task(self._follow(followed))
        self._following.add_done_callback(self._ended)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to hear."""
        return self._following.done()

    def end(self) -> None:
        """Nobody listens any more."""
        self._following.cancel()

    async def statuses(self) -> AsyncIterator[RunStatus]:
        """The latest status, and each that comes. Raises what following raised."""
        heard: RunStatus | None = None
        while True:
            news, latest = self._news, self._latest
            if latest is not None and latest is not heard:
                heard = latest
                yield latest
            elif self.is_over:
                self._following.result()
                return
            else:
                await news.wait()

    async def _follow(self, followed: AsyncIterator[RunStatus]) -> None:
        async for status in followed:
            self._latest = status
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _ended(self, following: asyncio.Task[None]) -> None:
        if not following.cancelled():
            following.exception()  # it is raised by `statuses`, if anybody still listens
        self._tell()
