"""Where requests wait while no replica is ready, and how they are let in when one is."""

import select
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING

from proxy import replies
from proxy.attempts import attempt
from proxy.balance import choose
from proxy.held_bodies import HeldBodies
from proxy.line import Line
from proxy.pool import ModelPool, Pool, Service
from proxy.replies import Reply
from proxy.stats import Outcome
from proxy.waiting_page import is_page_load, waiting_page
from proxy.waker import Waker
from proxy.wave import FIRST, Wave

if TYPE_CHECKING:
    from proxy.exchange import Exchange
    from proxy.plane import Plane

PATIENCE_SECONDS = 5.0
"""For which a replica may be unreachable just after it was ready, before that is an answer."""

AGAIN_SECONDS = 0.1
"""Until the next is let in after one found no way to a replica."""

AT_ONCE = 256
"""Answers of ours to those that wait, before other connections have their turn."""

Key = tuple[object, ...]


class Room:
    """All lines of a process. `held` is how many wait in all of them."""

    def __init__(self, plane: "Plane") -> None:
        self._plane = plane
        self._waker = Waker(plane)
        self._lines: dict[Key, Line] = {}
        self._to_look_at: set[Key] = set()
        self.bodies = HeldBodies(plane.limits.held_bodies_bytes)
        self.held = 0

    # In

    def takes(self, exchange: "Exchange") -> bool:
        """Whether it waits here now, or was answered here, since no replica can have it yet."""
        if exchange.line is not None:
            return self._takes_back(exchange, exchange.line)
        pool = self._plane.table.present(exchange.pool)
        if pool is None:
            return False
        line = self._lines.get(_key(pool))
        if pool.ready:
            if exchange.tried or line is None or not line.waiting:
                return False
        elif not _is_coming(pool):
            return False
        elif isinstance(pool, Service) and is_page_load(exchange.head):
            self._wake(pool)
            route = pool.route
            exchange.answer(waiting_page(route.run, route.cold_start, self._seconds(pool)))
            return True
        self._take(exchange, pool, line)
        return True

    def _take(self, exchange: "Exchange", pool: Service | ModelPool, line: Line | None) -> None:
        limits = self._plane.limits
        owner = line.owner if line is not None and line.waiting else _awaited(pool)
        if (
            owner.held >= limits.held_per_service
            or self.held >= limits.held_in_all
            or self._plane.stopping
            or (line is not None and self._has_its_share(line, exchange.origin))
            or not self.bodies.charge(exchange, exchange.client.kept())
        ):
            self._plane.stats.holds[Outcome.FULL] += 1
            exchange.answer(replies.not_held(self._seconds(owner), full=True))
            return
        if line is None:
            line = self._lines[_key(pool)] = Line(pool, owner)
        line.owner = owner
        self._put(exchange, line, monotonic())
        if not pool.ready:
            self._wake(owner)

    def _has_its_share(self, line: Line, origin: str) -> bool:
        limits = self._plane.limits
        return bool(origin) and line.origins[origin] >= limits.held_share * limits.held_per_service

    def has_place(self, exchange: "Exchange") -> bool:
        """One that is in line keeps more of its body; False: that was too much, it was answered."""
        line = exchange.line
        assert line is not None
        if exchange.connected or self.bodies.charge(exchange, exchange.client.kept()):
            return True
        self.leave(exchange, Outcome.FULL)
        exchange.answer(replies.not_held(self._seconds(line.owner), full=True))
        return False

    def _put(self, exchange: "Exchange", line: Line, since: float) -> None:
        exchange.line, exchange.tried, exchange.fresh = line, (), False
        line.enter(exchange, since)
        self.held += 1

    def _takes_back(self, exchange: "Exchange", line: Line) -> bool:
        """It was let in, and no replica could be reached: nothing was sent, so it waits on.

        False when that has gone on for too long.
        """
        now = monotonic()
        since = line.remove(exchange)
        line.wave.failed()
        line.failing_since = line.failing_since or now
        self._plane.loop.call_later(AGAIN_SECONDS, self._look, _key(line.pool))
        if now - line.failing_since > PATIENCE_SECONDS:
            exchange.line = None
            self.bodies.free(exchange)
            self._plane.stats.holds[Outcome.FAILED] += 1
            return False
        self._put(exchange, line, since)
        line.put_back(exchange, since)
        return True

    # Out

    def answered(self, exchange: "Exchange") -> None:
        """The reply to one that was let in has begun: the next may follow."""
        line = exchange.line
        assert line is not None
        line.answered(exchange)
        self._over(exchange, line, Outcome.ANSWERED)

    def leave(self, exchange: "Exchange", outcome: Outcome) -> None:
        """One that waits, or was let in, ends otherwise."""
        line = exchange.line
        assert line is not None
        if exchange in line.waiting:
            self._remove(exchange, line, outcome)
        else:
            self._over(exchange, line, outcome)

    def _over(self, exchange: "Exchange", line: Line, outcome: Outcome) -> None:
        line.remove(exchange)
        exchange.line = None
        self.bodies.free(exchange)
        self._plane.stats.holds[outcome] += 1
        self._look_soon(line)

    def _remove(self, exchange: "Exchange", line: Line, outcome: Outcome) -> None:
        line.leave(exchange)
        exchange.line = None
        self.bodies.free(exchange)
        self.held -= 1
        self._plane.stats.holds[outcome] += 1
        if not line.waiting:
            self._look_soon(line)

    def _dismiss(self, line: Line, reply: Reply, outcome: Outcome) -> None:
        """Answer all that wait with this, some now and the others soon."""
        for _, exchange in zip(range(AT_ONCE), tuple(line.waiting), strict=False):
            if exchange in line.waiting:
                self._remove(exchange, line, outcome)
                exchange.answer(reply)
        if line.waiting:
            self._look_soon(line)

    # Time and table

    def review(self) -> None:
        """The table has changed."""
        for key in tuple(self._lines):
            self._look(key)

    def sweep(self, now: float) -> None:
        """Once a second: those that have waited for too long, or whose clients are gone.

        And those that were let in, and whose connections stand: others may follow.
        """
        if not self._lines:
            return
        self._drop_unheard()
        limits = self._plane.limits
        latest = now - limits.held_seconds
        for key, line in tuple(self._lines.items()):
            line.settle(now, limits.standing_seconds)
            while line.waiting:
                exchange, since = next(iter(line.waiting.items()))
                if since > latest:
                    break
                self._remove(exchange, line, Outcome.LONG)
                exchange.answer(replies.not_held(self._seconds(line.owner), full=False))
            self._look(key)

    def close(self) -> None:
        """The process ends: nobody is let in any more."""
        for line in tuple(self._lines.values()):
            reply = replies.not_held(self._seconds(line.owner), full=True)
            for exchange in tuple(line.waiting):
                self._remove(exchange, line, Outcome.FULL)
                exchange.answer(reply)

    def _drop_unheard(self) -> None:
        """Of a client that is not read, nobody hears that it left."""
        asked = select.poll()
        unread = {}
        for line in self._lines.values():
            for exchange in line.waiting:
                client = exchange.client
                if client.paused and not client.transport.is_closing():
                    socket = client.transport.get_extra_info("socket")
                    unread[socket.fileno()] = client
                    asked.register(socket, select.POLLRDHUP)
        for descriptor, _ in asked.poll(0) if unread else ():
            unread[descriptor].transport.abort()

    def _look_soon(self, line: Line) -> None:
        """After what goes on now, so that a connection that comes free with it is taken."""
        key = _key(line.pool)
        if key not in self._to_look_at:
            self._to_look_at.add(key)
            self._plane.loop.call_soon(self._look, key)

    def _look(self, key: Key) -> None:
        """What becomes of those that wait, as the table is now."""
        self._to_look_at.discard(key)
        line = self._lines.get(key)
        if line is None:
            return
        if not line.waiting:
            if not line.let_in:
                del self._lines[key]
            return
        pool = self._plane.table.present(line.pool)
        if pool is None:
            self._dismiss(line, _gone(line.pool), Outcome.NONE)
            return
        line.pool = pool
        if pool.ready:
            self._let_in(line, pool)
        elif _is_coming(pool):
            self._wait_on(line, _awaited(pool))
        else:
            reply = replies.without_replica(int(self._plane.limits.retry_seconds))
            self._dismiss(line, reply, Outcome.NONE)

    def _let_in(self, line: Line, pool: Pool) -> None:
        most = line.wave.size + FIRST * (len(pool.ready) - 1)
        now = monotonic()
        while line.waiting and line.in_wave < most:
            exchange = next(iter(line.waiting))
            line.let_in[exchange] = line.leave(exchange)
            self.held -= 1
            exchange.pool = pool
            attempt(exchange, choose(pool.ready, now))

    def _wait_on(self, line: Line, owner: Service) -> None:
        line.failing_since, line.wave = 0.0, Wave()
        if owner is not line.owner:
            line.owner.held -= len(line.waiting)
            owner.held += len(line.waiting)
            line.owner = owner
        self._wake(owner)

    def _wake(self, service: Service) -> None:
        if service.asleep:
            self._waker.wake(service)

    def _seconds(self, service: Service) -> int:
        """For `Retry-After`: as long as the last start took."""
        return max(ceil(service.route.cold_start or 0), int(self._plane.limits.retry_seconds))


def _key(pool: Service | ModelPool) -> Key:
    if isinstance(pool, Service):
        return pool.name
    return pool.project, pool.name, pool.opened


def _awaited(pool: Service | ModelPool) -> Service:
    return pool if isinstance(pool, Service) else pool.awaited


def _is_coming(pool: Pool) -> bool:
    return pool.starting or pool.asleep


def _gone(pool: Service | ModelPool) -> Reply:
    return replies.NO_RUN if isinstance(pool, Service) else replies.unknown_model(pool.name)
