"""Where WebSocket frames end (RFC 6455, 5.2), so that a close frame fits between two. Pure."""

import os
import struct

CLOSE_FRAME = 0x88
"""The first byte of a close frame."""

GOING_AWAY = struct.pack("!H", 1001)


class FrameCursor:
    """Follows one direction of a WebSocket."""

    __slots__ = ("_head", "_left")

    def __init__(self) -> None:
        self._left = 0
        self._head = b""

    @property
    def at_boundary(self) -> bool:
        """Whether the last frame is complete."""
        return not self._left and not self._head

    def feed(self, data: bytes) -> None:
        """Take in the next bytes, cut anywhere."""
        size = len(data)
        if not self._left and not self._head and 2 <= size < 128:
            # Nearly always: one short frame, whole.
            second = data[1]
            if size == 2 + (second & 127) + (second >> 7) * 4 and second & 127 < 126:
                return
        at = 0
        while at < size:
            at = self._take(data, at)

    def finish(self, data: bytes) -> int:
        """Take in what belongs to the frame under way; how many bytes of `data` that is."""
        at = 0
        while at < len(data) and not self.at_boundary:
            at = self._take(data, at)
        return at

    def finds_close(self, data: bytes) -> bool:
        """Take in whole frames and parts of them; whether a close frame begins among these."""
        at = 0
        while at < len(data):
            if self.at_boundary and data[at] == CLOSE_FRAME:
                return True
            at = self._take(data, at)
        return False

    def _take(self, data: bytes, at: int) -> int:
        if not self._left:
            return self._take_head(data, at)
        step = min(self._left, len(data) - at)
        self._left -= step
        return at + step

    def _take_head(self, data: bytes, at: int) -> int:
        """Take what `data` has, from `at`, of a frame's head; where it goes on."""
        head = self._head + data[at : at + 14 - len(self._head)]
        need = _head_size(head)
        if need > len(head):
            self._head = head
            return len(data)
        used = need - len(self._head)
        self._head = b""
        self._left = _payload_size(head)
        return at + used


def _head_size(head: bytes) -> int:
    if len(head) < 2:
        return 2
    short = head[1] & 127
    return 2 + {126: 2, 127: 8}.get(short, 0) + (4 if head[1] & 128 else 0)


def _payload_size(head: bytes) -> int:
    short = head[1] & 127
    if short < 126:
        return short
    size: int = struct.unpack_from("!H" if short == 126 else "!Q", head, 2)[0]
    return size


def close_frame(*, masked: bool) -> bytes:
    """Close with 1001, "going away"; clients mask what they send."""
    if not masked:
        return bytes((CLOSE_FRAME, len(GOING_AWAY))) + GOING_AWAY
    mask = os.urandom(4)
    payload = bytes(byte ^ key for byte, key in zip(GOING_AWAY, mask, strict=False))
    return bytes((CLOSE_FRAME, 0x80 | len(GOING_AWAY))) + mask + payload
