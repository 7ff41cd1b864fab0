"""One request and its reply."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING

from proxy import replies
from proxy.balance import Claim, Replica, choose
from proxy.dispatch import dispatch
from proxy.redirects import under_prefix
from proxy.replies import Reply
from proxy.reply_head import OPEN_TO_ALL, ReplyHead
from proxy.request_head import RequestHead
from proxy.table import Pool, Service
from proxy.tunnel import Tunnel
from proxy.upstream import UpstreamConnection

if TYPE_CHECKING:
    from proxy.client import ClientConnection

HIGH = 256 * 1024
"""Bytes of a body that wait for a connection to a replica before the client is read no more."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Exchange:
    """`active` says that bytes moved since the last sweep; `sent_all` that the request is whole."""

    __slots__ = (
        "_answered",
        "_buffered",
        "_claim",
        "_collected",
        "_extra",
        "_fresh",
        "_over",
        "_pool",
        "_quiet_since",
        "_rewrite",
        "_target",
        "_task",
        "_tried",
        "_upstream",
        "active",
        "begun_at",
        "body",
        "client",
        "head",
        "keep",
        "open_to_all",
        "seen",
        "sent_all",
    )

    def __init__(self, client: "ClientConnection", head: RequestHead) -> None:
        self.client = client
        self.head = head
        self.body: list[bytes] = []
        self.seen = 0
        self.sent_all = self.active = self.open_to_all = False
        self.keep = head.keep
        self.begun_at = 0.0
        self._buffered = 0
        self._upstream: UpstreamConnection | None = None
        self._claim: Claim | None = None
        self._task: asyncio.Task[None] | None = None
        self._tried: tuple[Replica, ...] = ()
        self._answered = self._over = self._fresh = False
        self._collected: Callable[[], None] | None = None
        self._rewrite: Service | None = None
        self._quiet_since = 0.0

    # The request

    def begin(self) -> None:
        """Its turn has come."""
        self.begun_at = self._quiet_since = monotonic()
        dispatch(self)

    def collect(self, then: Callable[[], None]) -> None:
        """Wait for the whole body, since a model is named in it; `then` goes on."""
        if self.sent_all:
            then()
        else:
            self._collected = then
            self._continue()

    def search(self, seek: Awaitable[None], then: Callable[[], None]) -> None:
        """Wait for the end of a bounded search; `then` goes on."""

        async def searching() -> None:
            await seek
            self._task = None
            then()

        self._task = self.client.plane.loop.create_task(searching())

    def send(self, pool: Pool, target: bytes, forwarded: bytes, rewrite: Service | None) -> None:
        """Send the request to a replica of `pool`, under its model prefix if it has one."""
        self._pool, self._target, self._extra = pool, target, forwarded
        self._rewrite = rewrite
        if self.head.expects:
            self._continue()
        replica = choose(pool.ready, self.begun_at)
        pool.count(replica)
        self._connect(replica)

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
        elif self._collected is not None:
            if self._buffered > self.client.plane.limits.model_body_bytes:
                self.answer(replies.BODY_TOO_LARGE)
            elif self.sent_all:
                then, self._collected = self._collected, None
                then()
        elif self._buffered > HIGH:
            self.client.pause_body()

    def _continue(self) -> None:
        """Never the replica's business: `Expect` is where proxies and servers fall apart."""
        if self.head.expects and self.head.http11 and not self.sent_all:
            self.client.transport.write(CONTINUE)
        self.head.expects = False

    def _connect(self, replica: Replica | None) -> None:
        if replica is None:
            plane, pool = self.client.plane, self._pool
            if pool is plane.front:
                self.answer(replies.NO_FRONT)
            elif self._tried:
                self.answer(replies.UNREACHABLE)
            else:
                seconds = int(plane.limits.retry_seconds)
                self.answer(replies.without_replica(seconds, starting=pool.starting))
            return
        self._claim = Claim(replica)
        oldest = self.begun_at - self.client.plane.limits.parked_seconds
        idle = replica.idle
        while idle and not self._fresh:
            upstream = idle.pop()
            if upstream.parked_at > oldest and not upstream.transport.is_closing():
                self._attach(upstream)
                return
            upstream.transport.close()
        self._task = self.client.plane.loop.create_task(self._open(replica))

    async def _open(self, replica: Replica) -> None:
        plane = self.client.plane
        try:
            upstream = await plane.connect(replica)
        except OSError:
            replica.failed(monotonic())
            self._release()
            self._tried = (*self._tried, replica)
            self._task = None
            self._connect(choose(self._pool.ready, monotonic(), self._tried))
            return
        self._task = None
        self._fresh = True
        self._attach(upstream)

    def _attach(self, upstream: UpstreamConnection) -> None:
        self._upstream = upstream
        upstream.begin(self)
        if self.client.blocked:
            upstream.pause()
        replica = upstream.replica
        head = self.head.render(
            replica.model_prefix + self._target if self.open_to_all else self._target,
            replica.endpoint.authority,
            self._extra,
            private=self._pool is not self.client.plane.front,
        )
        if (self.body or self.head.chunked) and not self.head.upgrades:
            self._flush(head)
            self.client.resume_body()
        else:
            upstream.transport.write(head)

    def _flush(self, head: bytes) -> None:
        upstream, body = self._upstream, self.body
        assert upstream is not None
        data = body[0] if len(body) == 1 else b"".join(body)
        if self.head.chunked:
            if data:
                data = b"%x\r\n%b\r\n" % (len(data), data)
            if self.sent_all:
                data += b"0\r\n\r\n"
        if head or data:
            upstream.transport.write(head + data if head else data)
        body.clear()
        self._buffered = 0

    # The reply

    def reply_head(self, head: ReplyHead, *, framed: bool, rechunk: bool) -> bytes:
        """The reply's head for the client."""
        self._answered = True
        client = self.client
        client.plane.stats.replies[head.status] += 1
        if self.head.upgrades and head.status != 101:
            self.keep = False
        if client.plane.stopping or not self.sent_all or not (framed or rechunk):
            self.keep = False
        if head.location is not None and self._rewrite is not None and self._claim is not None:
            hosts = (self.head.host or b"", self._claim.replica.endpoint.authority)
            head.location = under_prefix(head.location, self._rewrite.prefix, hosts)
        return head.render(self.head, rechunk=rechunk, keep=self.keep, open_to_all=self.open_to_all)

    def answer(self, reply: Reply) -> None:
        """The proxy's own answer, unless a reply has begun: then it is broken off."""
        self._over = True
        self._abandon()
        self.body.clear()
        if self._answered:
            self.client.reset()
            return
        self._answered = True
        plane = self.client.plane
        plane.stats.replies[reply.status] += 1
        keep = self.keep = self.keep and self.sent_all and not self.head.upgrades
        extra = OPEN_TO_ALL if self.open_to_all else b""
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
        self.answer(replies.BROKEN)

    def upstream_gone(self) -> None:
        """The upstream connection ended without a byte of a reply."""
        assert self._claim is not None
        replica = self._claim.replica
        self._upstream = None
        self._release()
        if not self._fresh:
            # The replica had just closed a connection that was kept.
            if self.head.repeatable:
                self._fresh = True
                self._connect(replica)
                return
        else:
            replica.failed(monotonic())
            if replica.endpoint.tunnelled and self.head.repeatable and not self._tried:
                # A tunnel accepts, and then finds that nobody is behind it.
                self._tried = (replica,)
                self._connect(choose(self._pool.ready, monotonic(), self._tried) or replica)
                return
        self.answer(replies.NO_FRONT if self._pool is self.client.plane.front else replies.BROKEN)

    def open_tunnel(self, upstream: UpstreamConnection) -> Tunnel:
        """The upgrade was agreed: from now on bytes are passed."""
        assert self._claim is not None
        websocket = self.head.upgrade.lower() == b"websocket"
        tunnel = Tunnel(
            self.client.transport,
            upstream.transport,
            self._claim,
            monotonic(),
            websocket=websocket,
        )
        self._claim = self._upstream = None
        self.client.become(tunnel, b"".join(self.body))
        return tunnel

    def done(self, now: float) -> None:
        """The reply is whole."""
        self._over = True
        self._upstream = None
        self.client.plane.stats.lasted(now - self.begun_at)
        self._release()
        self.client.finished(self, now)

    # The end

    def check(self, now: float, silent_seconds: float) -> None:
        """Once a second: whether bytes still move."""
        if self.active:
            self.active, self._quiet_since = False, now
        elif now - self._quiet_since > silent_seconds:
            self.keep = False
            self.answer(replies.SILENT if self.sent_all else replies.SLOW)

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
        self._abandon()

    def _abandon(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._upstream is not None:
            self._upstream.drop()
            self._upstream = None
        self._release()

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.release()
            self._claim = None
