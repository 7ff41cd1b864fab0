"""A connection after its upgrade: bytes both ways, until one side closes or the replica drains."""

import asyncio
from asyncio import Transport
from time import monotonic

from proxy.balance import Claim
from proxy.frames import FrameCursor, close_frame
from proxy.limits import Limits


class Tunnel:
    """Two transports and the claim on the replica. `websocket`: frames are followed.

    Each side that ends is read on for `linger` seconds at most, for closing with unread bytes sends
    a reset, which can overtake the close frame (RFC 9112, 9.6, tells the same of HTTP).
    """

    __slots__ = (
        "_active",
        "_claim",
        "_client",
        "_client_answered",
        "_client_open",
        "_closing_since",
        "_from_client",
        "_from_replica",
        "_linger",
        "_moved_at",
        "_replica",
        "_replica_open",
    )

    def __init__(
        self,
        client: Transport,
        replica: Transport,
        claim: Claim,
        now: float,
        *,
        linger: float,
        websocket: bool,
    ) -> None:
        self._client = client
        self._replica = replica
        self._claim = claim
        self._linger = linger
        self._from_client = FrameCursor() if websocket else None
        self._from_replica = FrameCursor() if websocket else None
        self._active = self._client_open = self._replica_open = True
        self._client_answered = False
        self._moved_at = now
        self._closing_since = 0.0

    def from_client(self, data: bytes) -> None:
        """Bytes for the replica."""
        self._active = True
        if self._pass(data, self._from_client, self._replica, masked=True):
            self._client_answered = True
            if not self._replica_open:
                self._hang_up(self._client)

    def from_replica(self, data: bytes) -> None:
        """Bytes for the client."""
        self._active = True
        if self._pass(data, self._from_replica, self._client, masked=False):
            self._hang_up(self._replica)

    def _pass(
        self, data: bytes, cursor: FrameCursor | None, to: Transport, *, masked: bool
    ) -> bool:
        """Whether a close frame of ours is answered with these bytes."""
        if not self._closing_since:
            if cursor is not None:
                cursor.feed(data)
            to.write(data)
            return False
        if cursor is None:
            return False
        taken = 0
        if not cursor.at_boundary:
            # The frame under way is finished, then closed: what follows it is not passed on.
            taken = cursor.finish(data)
            ending = close_frame(masked=masked) if cursor.at_boundary else b""
            if not to.is_closing():
                to.write(data[:taken] + ending)
        return cursor.finds_close(data[taken:])

    def pause(self, *, client: bool) -> None:
        """The other side does not take what this one sends."""
        transport = self._client if client else self._replica
        if not transport.is_closing() and not self._only_reads_on(client=client):
            transport.pause_reading()

    def resume(self, *, client: bool) -> None:
        """The other side takes bytes again: read on from this one."""
        transport = self._client if client else self._replica
        if not transport.is_closing():
            transport.resume_reading()

    def _only_reads_on(self, *, client: bool) -> bool:
        """Whether nothing that this side still sends is passed on."""
        cursor = self._from_client if client else self._from_replica
        return bool(self._closing_since) and (cursor is None or cursor.at_boundary)

    # The end

    def client_gone(self) -> None:
        """The client's connection is lost: the replica gets what is under way, and goes too."""
        self._client_open = False
        if not self._replica_open:
            return
        if self._closing_since:
            # It has as long for its answer as if the client were still there.
            asyncio.get_running_loop().call_later(self._linger, self._replica.abort)
        else:
            self._claim.finish()
            self._hang_up(self._replica)

    def replica_gone(self) -> None:
        """The replica's connection is lost: the client gets what is under way, and goes too."""
        self._replica_open = False
        self._claim.finish()
        if self._client_answered:
            self._hang_up(self._client)
        elif self._client_open and not self._client.is_closing():
            self._closing_since = self._closing_since or monotonic()
            self._client.write_eof()
            self.resume(client=True)

    def _hang_up(self, transport: Transport) -> None:
        """Close, and do not wait for one that takes nothing any more."""
        transport.close()
        if transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(self._linger, transport.abort)

    def check(self, now: float, limits: Limits, *, stopping: bool) -> None:
        """Once a second: idle ones end, those of a draining replica are closed in good manners."""
        if self._active:
            self._active, self._moved_at = False, now
        left_at = self._claim.replica.left_at
        if self._closing_since:
            if now - self._closing_since > self._linger:
                self._client.abort()
                self._replica.abort()
        elif now - self._moved_at > limits.tunnel_seconds:
            self._hang_up(self._replica)
        elif stopping or (left_at and now - left_at > limits.grace_seconds):
            self.say_goodbye(now)

    def say_goodbye(self, now: float) -> None:
        """A close frame to both, each at its next frame boundary; a tunnel of other bytes ends."""
        if self._from_client is None or self._from_replica is None:
            self._hang_up(self._replica)
            return
        self._closing_since = now
        for client, cursor, to in (
            (True, self._from_client, self._replica),
            (False, self._from_replica, self._client),
        ):
            if cursor.at_boundary:
                to.write(close_frame(masked=client))
                self.resume(client=client)
