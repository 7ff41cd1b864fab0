"""Table and tokens of a living server: from disk, then from Temporal and the internal API."""

import asyncio
import logging
from collections.abc import Collection, Sequence

from engine.client import connect, public_codec
from engine.converter import PublicCodec
from engine.telemetry import measured
from perdure.errors import CannotStart, Unavailable
from perdure.settings import Settings
from proxy.alarm import Alarm
from proxy.disk import LastGood
from proxy.feed import FeedReader, InternalApi
from proxy.plane import Plane
from proxy.reader import AGAIN_SECONDS, RouteReader
from proxy.state import State
from spec.feed import RunStarted

logger = logging.getLogger(__name__)


class LiveSource:
    """`stats` is where this process's counters are read, `feed` where internal APIs are."""

    def __init__(
        self, plane: Plane, state: State, settings: Settings, *, feed: Sequence[str], stats: str
    ) -> None:
        self._plane = plane
        self._state = state
        self._settings = settings
        self._disk = LastGood(settings.data.last_good, plane)
        apis = [InternalApi(each, settings.data.internal_key) for each in feed]
        self._feed = FeedReader(apis, plane, state, stats, self._introduce)
        self._alarm = Alarm(apis)
        plane.wake = self._alarm.wake
        self._reader: RouteReader | None = None
        self._early: set[RunStarted] = set()

    def load(self) -> None:
        """What the last process knew, if there was one.

        Raises `CannotStart` for a key that cannot be used; one that is not there may come.
        """
        if self._disk.load():
            self._state.table_known = self._state.tokens_known = True
        try:
            public_codec(self._settings)
        except CannotStart as error:
            if not _is_missing(error):
                raise
            self._tell_keyless(error)

    def reload(self) -> None:
        """Compare with Temporal now."""
        if self._reader is not None:
            self._reader.look()

    async def run(self) -> None:
        """Until cancelled."""
        codec = await self._codec()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._feed.run())
            tasks.create_task(self._disk.keep())
            tasks.create_task(self._read(codec))

    async def _codec(self) -> PublicCodec:
        """With the internal key, once the set-up that runs beside us has made it."""
        while True:
            try:
                codec = public_codec(self._settings)
            except CannotStart as error:
                if not _is_missing(error) and self._state.keyless != error.message:
                    logger.error("%s %s", error.message, error.hint)
                    self._state.keyless = error.message
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self._state.keyless = ""
                return codec

    def _tell_keyless(self, error: CannotStart) -> None:
        """Before the set-up nothing is wrong; a server that has served had a key."""
        key = self._settings.data.internal_key
        if self._state.ready:
            self._state.keyless = error.message
            logger.error("%s %s", error.message, error.hint)
        else:
            self._state.keyless = f"The set-up of the server has not made `{key}` yet."
            logger.info("Waiting for the set-up of the server, which makes `%s`", key)

    async def _read(self, codec: PublicCodec) -> None:
        async with measured() as self._state.sdk:
            self._reader = reader = await self._connect(codec)
            self._plane.seek = reader.seek
            self._alarm.reader = reader
            self._state.verify = reader.verify
            await self._introduce(self._early)
            await reader.run(self._settings.anti_entropy)

    async def _connect(self, codec: PublicCodec) -> RouteReader:
        while True:
            try:
                client = await connect(codec, patient=False)
                return RouteReader(client, self._plane, self._state)
            except Unavailable as error:
                if self._state.temporal_up is None:
                    logger.warning("%s What is known stays", error.message)
                self._state.temporal_up = False
                await asyncio.sleep(AGAIN_SECONDS)

    async def _introduce(self, runs: Collection[RunStarted]) -> None:
        if self._reader is None:
            self._early.update(runs)
        else:
            reader = self._reader
            await asyncio.gather(*(reader.introduce(each.project, each.run) for each in runs))


def _is_missing(error: CannotStart) -> bool:
    return isinstance(error.__cause__, FileNotFoundError)
