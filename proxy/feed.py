"""The internal API as the proxy uses it: a feed of tokens and new runs, and a lease."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from perdure.errors import CannotStart
from perdure.http_client import http_client
from perdure.keys import read_internal_keys
from proxy.plane import Plane
from proxy.state import State
from spec.feed import Feed, LeaseGrant, ProxyLease, RunStarted

POLL_SECONDS = 60.0
"""The API answers a poll without news after some seconds; longer than this it is gone."""

AGAIN_SECONDS = 0.3
"""Between tries while the API is away. Both are near: it costs nothing."""

PATIENCE_SECONDS = 5.0
"""How long the API may be away without a word: at a start it comes a moment after us."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InternalApi:
    """Where it is (`unix:///PATH` or `tcp://HOST:PORT`), and the file with its key."""

    address: str
    key: Path

    def client(self) -> httpx.AsyncClient:
        """A client with the key; it is read anew, for it may be replaced. Raises `CannotStart`."""
        current, *_ = read_internal_keys(self.key)
        return http_client(
            self.address,
            headers={"authorization": f"Bearer {current}"},
            timeout=httpx.Timeout(5.0, read=POLL_SECONDS),
        )


class FeedReader:
    """Keeps the plane's tokens, and has `introduce` take in the runs that were applied.

    All of `apis` tell the same; when one does not answer, the next is asked.
    What was taken in is told by the lease: who applied a run waits for that.
    """

    def __init__(
        self,
        apis: Sequence[InternalApi],
        plane: Plane,
        state: State,
        stats_address: str,
        introduce: Callable[[Collection[RunStarted]], Awaitable[None]],
    ) -> None:
        self._apis = cycle(apis)
        self._plane = plane
        self._state = state
        self._stats_address = stats_address
        self._introduce = introduce
        self._news = asyncio.Event()
        self._tell_at: float | None = None

    async def run(self) -> None:
        """Read and renew, for ever; what is known stays while the API is away."""
        while True:
            try:
                async with next(self._apis).client() as client:
                    await _until_one_fails(self._read(client), self._renew(client))
            except (httpx.HTTPError, ValidationError, OSError, CannotStart) as failure:
                self._state.api_up = False
                self._tell_once(failure)
            await asyncio.sleep(AGAIN_SECONDS)

    async def take(self, feed: Feed) -> None:
        """What the API says is so from now on."""
        tokens, state = self._plane.tokens, self._state
        if feed.full:
            tokens.replace(feed.tokens)
        else:
            tokens.add(feed.tokens)
        tokens.revoke(feed.revoked)
        await self._introduce(feed.started)
        if feed.seq != state.feed or not state.tokens_known:
            self._news.set()
        state.feed, state.tokens_known = feed.seq, True

    def _tell_once(self, failure: Exception) -> None:
        now = time.monotonic()
        if self._tell_at is None:
            self._tell_at = now + PATIENCE_SECONDS
        if now >= self._tell_at:
            logger.warning("The internal API is away: %s", failure)
            self._tell_at = math.inf

    async def _read(self, client: httpx.AsyncClient) -> None:
        while True:
            answer = await client.get("/internal/v1/feed", params={"after": self._state.feed})
            self._state.fed_at = time.monotonic()
            await self.take(Feed.model_validate_json(answer.raise_for_status().content))
            if self._state.api_up is not True:
                logger.info("The internal API answers")
            self._state.api_up, self._tell_at = True, None
            if not self._state.feed:  # nothing has ever happened, and the API does not wait
                await asyncio.sleep(AGAIN_SECONDS)

    async def _renew(self, client: httpx.AsyncClient) -> None:
        """Three times as often as needed, and at once when news were taken in: somebody waits."""
        while True:
            self._news.clear()
            lease = ProxyLease(stats=self._stats_address, feed=self._state.feed)
            answer = await client.put(
                f"/internal/v1/proxies/{self._state.boot}", json=lease.model_dump(mode="json")
            )
            grant = LeaseGrant.model_validate_json(answer.raise_for_status().content)
            try:
                async with asyncio.timeout(grant.seconds / 3):
                    await self._news.wait()
            except TimeoutError:
                continue


async def _until_one_fails(*works: Coroutine[Any, Any, None]) -> None:
    """Work on all at once; raise what the first one raises, and end the others.

    A task group that fails in the moment in which it is cancelled forgets the cancellation: the
    proxy would never end.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
