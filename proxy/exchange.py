"""One request and its reply.

They are one file: either may end, fail or slow down the other at any byte, so they share one state.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING

from proxy import replies
from proxy.attempts import first_attempt, next_attempt
from proxy.balance import Claim, Replica
from proxy.collection import Collection, join_small
from proxy.dispatch import dispatch
from proxy.pool import Pool, Service
from proxy.redirects import under_prefix
from proxy.replies import Reply
from proxy.reply_head import OPEN_TO_ALL, ReplyHead
from proxy.request_head import RequestHead
from proxy.stats import SERVICE, Outcome
from proxy.tunnel import Tunnel
from proxy.upstream import BUFFER, UpstreamConnection

if TYPE_CHECKING:
    from proxy.client import ClientConnection
    from proxy.line import Line

HIGH = 256 * 1024
"""Bytes of a body that wait for a connection to a replica before the client is read no more."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Exchange:
    """`active` says that bytes moved since the last sweep; `sent_all` that the request is whole.

    `tried` are the replicas that failed; `fresh`: no kept connection will do for the next attempt.
    `line` is where it waited for a replica, until a reply has begun.
    """

    __slots__ = (
        "_answered",
        "_buffered",
        "_collection",
        "_extra",
        "_over",
        "_quiet_since",
        "_rewrite",
        "_target",
        "_upstream",
        "active",
        "begun_at",
        "body",
        "claim",
        "client",
        "fresh",
        "head",
        "keep",
        "kind",
        "line",
        "open_to_all",
        "pool",
        "seen",
        "sent_all",
        "task",
        "tried",
    )

    def __init__(self, client: "ClientConnection", head: RequestHead) -> None:
        self.client = client
        self.head = head
        self.body: list[bytes] = []
        self.seen = 0
        self.sent_all = self.active = self.open_to_all = False
        self.keep = head.keep
        self.kind = SERVICE
        self.begun_at = 0.0
        self._buffered = 0
        self._upstream: UpstreamConnection | None = None
        self.claim: Claim | None = None
        self.task: asyncio.Task[None] | None = None
        self.tried: tuple[Replica, ...] = ()
        self._answered = self._over = self.fresh = False
        self._collection: Collection | None = None
        self.line: Line | None = None
        self._rewrite: Service | None = None
        self._quiet_since = 0.0

    @property
    def to_front(self) -> bool:
        """Whether it is not for a replica, but for the API."""
        return self.pool is self.client.plane.front

    @property
    def connected(self) -> bool:
        """Whether it has a connection to a replica."""
        return self._upstream is not None

    @property
    def origin(self) -> str:
        """The network it comes from, as far as that is known."""
        return self.client.origin(self.head)

    # The request

    def begin(self) -> None:
        """Its turn has come."""
        self.begun_at = self._quiet_since = monotonic()
        if not self.head.request_id:
            self.head.request_id = self.client.plane.new_id()
        dispatch(self)

    def collect(self, then: Callable[[], None]) -> None:
        """Wait for the whole body, since a model is named in it; `then` goes on."""
        if self.sent_all:
            then()
        else:
            self._collection = Collection(self.client.plane.bodies, then)
            self._collection.grow(self.body, self._buffered)  # too much: the next read tells
            self._continue()

    def search(self, seek: Awaitable[None], then: Callable[[], None]) -> None:
        """Wait for the end of a bounded search; `then` goes on."""

        async def searching() -> None:
            await seek
            self.task = None
            then()

        self.task = self.client.plane.loop.create_task(searching())

    def send(self, pool: Pool, target: bytes, forwarded: bytes, rewrite: Service | None) -> None:
        """Send the request to a replica of `pool`, under its model prefix if it has one."""
        self.pool, self._target, self._extra = pool, target, forwarded
        self._rewrite = rewrite
        if self.head.expects:
            self._continue()
        first_attempt(self)

    def take_body(self, data: bytes) -> None:
        """The next bytes of the body."""
        if self._over:
            return
        self.body.append(data)
        self._buffered += len(data)

    def push(self) -> None:
        """Pass on what one read brought, or hold it."""
        self.active = True
        if self._upstream is not None:
            if not self.head.upgrades:
                self._flush(b"")
        elif self._collection is not None:
            if refusal := self._collection.grow(self.body, self._buffered):
                self.answer(refusal)
            elif self.sent_all:
                self._collection.whole()
        elif self.line is None or self.client.plane.room.has_place(self):
            join_small(self.body)
            if not self.sent_all and self._buffered > HIGH:
                self.client.pause_body()

    def kept(self) -> int:
        """Bytes of the body that wait, in few pieces, and that are not counted as a model's."""
        join_small(self.body)
        counted = self._collection.counted if self._collection is not None else 0
        return sum(map(len, self.body)) - counted

    def _continue(self) -> None:
        """Never the replica's business: `Expect` is where proxies and servers fall apart."""
        if self.head.expects and self.head.http11 and not self.sent_all:
            self.client.transport.write(CONTINUE)
        self.head.expects = False

    def attach(self, upstream: UpstreamConnection) -> None:
        """Send the request on this connection."""
        self._upstream = upstream
        upstream.begin(self)
        request, client, replica = self.head, self.client, upstream.replica
        head = request.render(
            replica.model_prefix + self._target if self.open_to_all else self._target,
            request.host or replica.endpoint.authority,
            self._extra,
            self.pool is not client.plane.front,
        )
        if client.blocked:
            upstream.pause()
        if (self.body or request.chunked) and not request.upgrades:
            self._flush(head)
            if self.line is not None:
                client.plane.room.bodies.free(self)
            if upstream.transport.get_write_buffer_size() <= BUFFER:
                self.taken()
        else:
            upstream.transport.write(head)

    def taken(self) -> None:
        """The replica has what was sent so far, or nearly."""
        if self._collection is not None:
            self._collection.free()
        self.client.resume_body()

    def _flush(self, head: bytes) -> None:
        upstream, body = self._upstream, self.body
        assert upstream is not None
        if self.head.chunked:
            if body:
                body = [b"%x\r\n" % sum(map(len, body)), *body, b"\r\n"]
            if self.sent_all:
                body.append(b"0\r\n\r\n")
        # In pieces: a joined copy of a large body would cost as much memory again.
        upstream.transport.writelines([head, *body])
        self.body.clear()
        self._buffered = 0

    # The reply

    def reply_head(self, head: ReplyHead, delimited: bool, rechunk: bool) -> bytes:
        """The reply's head for the client, who sees the end of the body if it is `delimited`."""
        self._answered = True
        plane, request, claim = self.client.plane, self.head, self.claim
        plane.stats.replies[self.kind + head.status] += 1
        if self.line is not None:
            plane.room.answered(self)
        assert claim is not None
        if self.pool is plane.front:
            ours = head.request_id or request.request_id
        else:
            ours = request.request_id + claim.replica.line
        if (
            not delimited
            or not self.sent_all
            or plane.stopping
            or (request.upgrades and head.status != 101)
        ):
            self.keep = False
        if head.location is not None and self._rewrite is not None:
            hosts = (request.host or b"", claim.replica.endpoint.authority)
            head.location = under_prefix(head.location, self._rewrite.prefix, hosts)
        if head.sessions and self.pool is plane.front:
            head.lines += head.sessions
        return head.render(request, ours, rechunk, self.keep, self.open_to_all)

    def answer(self, reply: Reply) -> None:
        """The proxy's own answer, unless a reply has begun: then it is broken off."""
        self._over = True
        if self.line is not None:
            self.client.plane.room.leave(self, Outcome.FAILED)
        self._abandon()
        self.body.clear()
        if self._answered:
            self.client.reset()
            return
        self._answered = True
        plane = self.client.plane
        plane.stats.replies[self.kind + reply.status] += 1
        keep = self.keep = self.keep and self.sent_all and not self.head.upgrades
        extra = self.head.request_id + (OPEN_TO_ALL if self.open_to_all else b"")
        if keep and not self.head.http11:
            extra += b"connection: keep-alive\r\n"
        if self.open_to_all:
            reply = reply.as_openai()
        head_only = self.head.method == b"HEAD"
        self.client.transport.write(reply.render(keep=keep, head_only=head_only, extra=extra))
        self.client.finished(self, monotonic())

    def spoil(self) -> None:
        """The body is not what its head said."""
        self.head.refuse(400)
        self.keep = False
        if self.begun_at:
            self.answer(replies.refusal(400))

    def broken(self) -> None:
        """The upstream connection failed in the middle of a reply, or talks nonsense."""
        self._upstream = None
        self._finish()
        self.answer(replies.NO_FRONT if self.to_front else replies.BROKEN)

    def upstream_gone(self) -> None:
        """The upstream connection ended without a byte of a reply."""
        assert self.claim is not None
        replica = self.claim.replica
        self._upstream = None
        self.release()
        next_attempt(self, replica)

    def open_tunnel(self, upstream: UpstreamConnection) -> Tunnel:
        """The upgrade was agreed: from now on bytes are passed."""
        assert self.claim is not None
        websocket = self.head.upgrade.lower() == b"websocket"
        tunnel = Tunnel(
            self.client.transport,
            upstream.transport,
            self.claim,
            monotonic(),
            linger=self.client.plane.limits.closing_seconds,
            websocket=websocket,
        )
        self.claim = self._upstream = None
        self.client.become(tunnel, b"".join(self.body))
        return tunnel

    def done(self, now: float) -> None:
        """The reply is whole."""
        self._over = True
        self._upstream = None
        if self._collection is not None:
            self._collection.free()
        lasted = now - self.begun_at
        self.client.plane.stats.durations[self.kind].add(lasted)
        if self.claim is not None:
            self.claim.replica.durations.add(lasted)
            self.claim.finish()
            self.claim = None
        self.client.finished(self, now)

    # The end

    def check(self, now: float, silent_seconds: float) -> None:
        """Once a second: whether bytes still move."""
        # A task has its own bounds, and so has the waiting room.
        if self.active or self.task is not None or (self.line and self in self.line.waiting):
            self.active, self._quiet_since = False, now
        elif now - self._quiet_since > silent_seconds:
            self.keep = False
            if not self.sent_all:
                self.answer(replies.SLOW)
            else:
                self.answer(replies.NO_FRONT if self.to_front else replies.SILENT)

    def throttle(self, *, blocked: bool) -> None:
        """The client does not (or does again) take the reply."""
        if self._upstream is not None:
            if blocked:
                self._upstream.pause()
            else:
                self._upstream.resume()

    def abandon(self) -> None:
        """The client is gone: so is the request."""
        self._over = True
        if self.line is not None:
            self.client.plane.room.leave(self, Outcome.LEFT)
        self._abandon()

    def _abandon(self) -> None:
        if self.task is not None:
            self.task.cancel()
            self.task = None
        if self._upstream is not None:
            self._upstream.drop()
            self._upstream = None
            self._finish()
        if self._collection is not None:
            self._collection.free()
        self.release()

    def _finish(self) -> None:
        """The replica has had it."""
        if self.claim is not None:
            self.claim.finish()
            self.claim = None

    def release(self) -> None:
        """The replica did not get it."""
        if self.claim is not None:
            self.claim.release()
            self.claim = None
