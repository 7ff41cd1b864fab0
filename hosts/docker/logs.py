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
import re
import struct
from collections.abc import Iterator
from datetime import timedelta

from pydantic import ConfigDict, RootModel, ValidationError

from perdure.errors import HostError, InvalidInput
from spec.log import LogBatch, LogEntry, LogStream

# More than the two streams' clocks are ever apart (30 ms were seen on a loaded machine).
SLACK = timedelta(seconds=2)
SECOND = 10**9

LONGEST_FRAME = 1024 * 1024
"""Bytes; Docker cuts lines at 16 KiB. What a machine announces beyond this is not waited for."""

LATEST = 2**63 - 1
"""Nanoseconds since 1970 that a database's integers hold: the year 2262."""

STREAMS = {1: LogStream.STDOUT, 2: LogStream.STDERR}
HEADER = struct.Struct(">B3xI")
_STAMP = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{9})Z ")
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
        """The new entries that `chunk` completes; None when there are none.

        Raises `HostError` for what no Docker sends.
        """
        fresh = tuple(entry for entry in self._entries(chunk) if self._is_new(entry))
        return LogBatch(entries=fresh, cursor=str(self.cursor)) if fresh else None

    def _entries(self, chunk: bytes) -> Iterator[LogEntry]:
        data, start = self._rest + chunk, 0
        while len(data) - start >= HEADER.size:
            number, length = HEADER.unpack_from(data, start)
            stream = STREAMS.get(number)
            if stream is None or length > LONGEST_FRAME:
                raise _unreadable()
            end = start + HEADER.size + length
            if len(data) < end:
                break
            yield _entry(stream, data[start + HEADER.size : end])
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


def _unreadable() -> HostError:
    return HostError("Docker sent a log that is none.", hint="Look at Docker on the machine.")


def _entry(stream: LogStream, frame: bytes) -> LogEntry:
    text = frame[STAMP:]
    whole = text.endswith(b"\n")
    found = _STAMP.fullmatch(frame[:STAMP])
    if found is None:
        raise _unreadable()
    return LogEntry(
        at=_nanoseconds(*(int(part) for part in found.groups())),
        stream=stream,
        text=text[:-1] if whole else text,
        partial=not whole,
    )


def _nanoseconds(*moment: int) -> int:
    """Docker stamps in UTC with nine digits, always: no general parser keeps the last three."""
    *date, fraction = moment
    try:
        at = calendar.timegm(tuple(date)) * SECOND + fraction
    except (ValueError, OverflowError) as error:
        raise _unreadable() from error
    if not 0 <= at <= LATEST:
        raise _unreadable()
    return at
