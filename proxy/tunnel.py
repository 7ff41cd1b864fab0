"""A connection after its upgrade: bytes both ways, until one side closes or the replica drains."""

from asyncio import Transport

from proxy.balance import Claim
from proxy.frames import CLOSE_FRAME, FrameCursor, close_frame
from proxy.limits import Limits


class Tunnel:
    """Two transports and the claim on the replica. `websocket`: frames are followed."""

    __slots__ = (
        "_active",
        "_claim",
        "_client",
        "_closing_since",
        "_from_client",
        "_from_replica",
        "_moved_at",
        "_replica",
    )

    def __init__(
        self, client: Transport, replica: Transport, claim: Claim, now: float, *, websocket: bool
    ) -> None:
        self._client = client
        self._replica = replica
        self._claim = claim
        self._from_client = FrameCursor() if websocket else None
        self._from_replica = FrameCursor() if websocket else None
        self._active = True
        self._moved_at = now
        self._closing_since = 0.0

    def from_client(self, data: bytes) -> None:
        """Bytes for the replica."""
        self._active = True
        self._pass(data, self._from_client, self._replica, masked=True)

    def from_replica(self, data: bytes) -> None:
        """Bytes for the client."""
        self._active = True
        self._pass(data, self._from_replica, self._client, masked=False)

    def _pass(
        self, data: bytes, cursor: FrameCursor | None, to: Transport, *, masked: bool
    ) -> None:
        if cursor is None:
            to.write(data)
        elif not self._closing_since:
            cursor.feed(data)
            to.write(data)
        elif not cursor.at_boundary:
            # The frame under way is finished, then closed: what follows it is not passed on.
            taken = cursor.finish(data)
            to.write(data[:taken])
            if cursor.at_boundary:
                to.write(close_frame(masked=masked))
        elif data[0] == CLOSE_FRAME:
            self.closed()

    def pause(self, *, client: bool) -> None:
        """The other side does not take what this one sends."""
        transport = self._client if client else self._replica
        if not transport.is_closing():
            transport.pause_reading()

    def resume(self, *, client: bool) -> None:
        """The other side takes bytes again: read on from this one."""
        transport = self._client if client else self._replica
        if not transport.is_closing():
            transport.resume_reading()

    def closed(self) -> None:
        """One side is gone: the other gets what is under way, and goes too."""
        self._claim.release()
        self._client.close()
        self._replica.close()

    def check(self, now: float, limits: Limits, *, stopping: bool) -> None:
        """Once a second: idle ones end, those of a draining replica are closed in good manners."""
        if self._active:
            self._active, self._moved_at = False, now
        left_at = self._claim.replica.left_at
        if self._closing_since:
            if now - self._closing_since > limits.closing_seconds:
                self.closed()
        elif now - self._moved_at > limits.tunnel_seconds:
            self.closed()
        elif stopping or (left_at and now - left_at > limits.grace_seconds):
            self.say_goodbye(now)

    def say_goodbye(self, now: float) -> None:
        """A close frame to both, each at its next frame boundary; a tunnel of other bytes ends."""
        if self._from_client is None or self._from_replica is None:
            self.closed()
            return
        self._closing_since = self._closing_since or now
        if self._from_replica.at_boundary:
            self._client.write(close_frame(masked=False))
        if self._from_client.at_boundary:
            self._replica.write(close_frame(masked=True))
