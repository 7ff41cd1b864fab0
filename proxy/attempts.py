"""Which replica an exchange is tried on, and which one next when that failed."""

from time import monotonic
from typing import TYPE_CHECKING

from proxy import replies
from proxy.balance import Claim, Replica, choose
from proxy.replies import Reply

if TYPE_CHECKING:
    from proxy.exchange import Exchange


def first_attempt(exchange: "Exchange") -> None:
    """Send the request to a replica of its pool, and count it there; or hold it."""
    pool, room = exchange.pool, exchange.client.plane.room
    replica = choose(pool.ready, exchange.begun_at)
    pool.count(replica)
    if (replica is None or room.held) and room.takes(exchange):
        return
    attempt(exchange, replica)


def next_attempt(exchange: "Exchange", replica: Replica) -> None:
    """The connection to `replica` ended without a byte of a reply."""
    repeatable = exchange.head.repeatable
    if not exchange.fresh:
        # The replica had just closed a connection that was kept.
        if repeatable:
            exchange.fresh = True
            attempt(exchange, replica)
            return
    else:
        replica.failed(monotonic())
        if replica.endpoint.tunnelled and repeatable:
            # A tunnel accepts, and then finds that nobody is behind it.
            if exchange.line is not None:
                exchange.tried = (replica,)
                attempt(exchange, None)
                return
            if not exchange.tried:
                exchange.tried = (replica,)
                other = choose(exchange.pool.ready, monotonic(), exchange.tried)
                attempt(exchange, other or replica)
                return
    if exchange.line is not None:
        exchange.line.wave.failed()
    exchange.answer(replies.NO_FRONT if exchange.to_front else replies.BROKEN)


def attempt(exchange: "Exchange", replica: Replica | None) -> None:
    """Send the request to this one; None: no replica is left to try."""
    plane = exchange.client.plane
    if replica is None:
        if not plane.room.takes(exchange):
            exchange.answer(_nobody(exchange))
        return
    exchange.claim = Claim(replica)
    if not exchange.fresh:
        now = exchange.begun_at if exchange.line is None else monotonic()
        oldest = now - plane.limits.parked_seconds
        idle = replica.idle
        while idle:
            upstream = idle.pop()
            if upstream.parked_at > oldest and not upstream.transport.is_closing():
                exchange.attach(upstream)
                return
            upstream.transport.close()
    exchange.task = plane.loop.create_task(_connect(exchange, replica))


async def _connect(exchange: "Exchange", replica: Replica) -> None:
    plane, tried = exchange.client.plane, (*exchange.tried, replica)
    limits = plane.limits
    is_last = all(each in tried for each in exchange.pool.ready)
    # One that was let in by the waiting room goes back to it.
    is_patient = is_last and exchange.line is None
    seconds = limits.last_connect_seconds if is_patient else limits.connect_seconds
    try:
        upstream = await plane.connect(replica, seconds)
    except OSError:
        replica.failed(monotonic())
        exchange.release()
        exchange.tried = tried
        exchange.task = None
        attempt(exchange, choose(exchange.pool.ready, monotonic(), exchange.tried))
        return
    exchange.task = None
    exchange.fresh = True
    exchange.attach(upstream)


def _nobody(exchange: "Exchange") -> Reply:
    """What to say when no replica is left to try."""
    plane, pool = exchange.client.plane, exchange.pool
    if pool is plane.front:
        return replies.NO_FRONT
    if exchange.tried:
        return replies.UNREACHABLE
    return replies.without_replica(int(plane.limits.retry_seconds))
