"""A container's log, each entry exactly once: through reconnects, restarts and Docker's rotation.

Within one stream (stdout or stderr) times never fall: one thread stamps it. Between the two they
do, by milliseconds. So the cursor is, per stream, the time of the last entry and how many entries
with that time there were (the pieces of a long line share one). A pass asks again from a little
earlier and drops what is not after the cursor; entries that Docker repeats when it rotates its
files fall under the same rule. Docker may end the answer early after a rotation: the log is
complete when a pass that began after the container's end brought nothing new.

What Docker keeps is JSON: bytes that are no UTF-8 come out as U+FFFD, and so do the two halves of
a character that it cuts at 16 KiB.
"""

import calendar
import struct
from collections.abc import Iterator
from datetime import timedelta

from pydantic import ConfigDict, RootModel, ValidationError

from perdure.errors import InvalidInput
from spec.log import LogBatch, LogEntry, LogStream

# More than the two streams' clocks are ever apart (30 ms were seen on a loaded machine).
SLACK = timedelta(seconds=2)
SECOND = 10**9

STREAMS = {1: LogStream.STDOUT, 2: LogStream.STDERR}
HEADER = struct.Struct(">B3xI")
STAMP = len("2006-01-02T15:04:05.000000000Z ")


class Cursor(RootModel[dict[LogStream, tuple[int, int]]]):
    """Per stream: the time of the last entry in nanoseconds, and how many had that time."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read what `str` wrote; empty is the start. Raises `InvalidInput`."""
        try:
            return cls.model_validate_json(text or "{}")
        except ValidationError as error:
            raise InvalidInput(f"`{text}` is not a place in a Docker log.") from error

    def __str__(self) -> str:
        return self.model_dump_json()

    @property
    def since(self) -> str:
        """From when a pass must ask, as Docker wants it: `seconds.nanoseconds`."""
        newest = max((at for at, _ in self.root.values()), default=0)
        since = max(0, newest - int(SLACK.total_seconds()) * SECOND)
        return f"{since // SECOND}.{since % SECOND:09}"


class Pass:
    """One reading of the log from `cursor.since` on: bytes in, new entries out."""

    def __init__(self, cursor: Cursor) -> None:
        self._done = dict(cursor.root)
        self._seen: dict[LogStream, tuple[int, int]] = {}
        self._rest = b""

    @property
    def cursor(self) -> Cursor:
        """The place after everything that was fed."""
        return Cursor(dict(self._done))

    def feed(self, chunk: bytes) -> LogBatch | None:
        """The new entries that `chunk` completes; None when there are none."""
        fresh = tuple(entry for entry in self._entries(chunk) if self._is_new(entry))
        return LogBatch(entries=fresh, cursor=str(self.cursor)) if fresh else None

    def _entries(self, chunk: bytes) -> Iterator[LogEntry]:
        data, start = self._rest + chunk, 0
        while len(data) - start >= HEADER.size:
            stream, length = HEADER.unpack_from(data, start)
            end = start + HEADER.size + length
            if len(data) < end:
                break
            yield _entry(STREAMS[stream], data[start + HEADER.size : end])
            start = end
        self._rest = data[start:]

    def _is_new(self, entry: LogEntry) -> bool:
        at, count = self._seen.get(entry.stream, (0, 0))
        place = (entry.at, count + 1 if entry.at == at else 1)
        self._seen[entry.stream] = place
        if place <= self._done.get(entry.stream, (0, 0)):
            return False
        self._done[entry.stream] = place
        return True


def _entry(stream: LogStream, frame: bytes) -> LogEntry:
    text = frame[STAMP:]
    whole = text.endswith(b"\n")
    return LogEntry(
        at=_nanoseconds(frame[: STAMP - 1].decode()),
        stream=stream,
        text=text[:-1] if whole else text,
        partial=not whole,
    )


def _nanoseconds(stamp: str) -> int:
    """Docker stamps in UTC with nine digits, always: no general parser keeps the last three."""
    date, clock = (part.split(":") for part in stamp[:19].replace("-", ":").split("T"))
    year, month, day, hour, minute, second = (int(part) for part in (*date, *clock))
    whole = calendar.timegm((year, month, day, hour, minute, second))
    return whole * SECOND + int(stamp[20:29])
