"""Reading a replica's log, exactly: every entry once, whatever ends in between.

The cursor is `segment:offset`, the place after the last byte that was yielded.
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from hosts.process.folder import ReplicaFolder
from spec.job import JobPhase
from spec.log import LogBatch, LogEntry, LogStream

CHUNK = 1 << 18  # bytes of log in one batch at most; longer than any line of the shim
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.5  # seconds between two looks at a log that is still


class Cursor(NamedTuple):
    """A place in a log."""

    segment: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """From the text that `follow` yielded; the empty text is the beginning."""
        segment, _, offset = (text or "0:0").partition(":")
        return cls(int(segment), int(offset))

    def __str__(self) -> str:
        return f"{self.segment}:{self.offset}"


async def follow(folder: ReplicaFolder, cursor: str) -> AsyncGenerator[LogBatch, None]:
    """Every entry after the cursor, as it comes, until the replica has ended.

    Whoever asks for the next batch has stored the last one: segments before it are deleted.
    """
    at, pause = Cursor.parse(cursor), SHORTEST_PAUSE
    while True:
        over = _is_over(folder)  # asked before reading: then the end of the log is final
        entries, after = read(folder.control, at)
        if after == at:
            if over:
                return
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)
            continue
        at, pause = after, SHORTEST_PAUSE
        if entries:
            yield LogBatch(entries=entries, cursor=str(at))
        _forget(folder.control, at)


def read(control: Path, at: Cursor) -> tuple[tuple[LogEntry, ...], Cursor]:
    """Whole lines after a place, and the place after them; the same place when there is nothing."""
    following = _next_segment(control, at.segment)  # looked for before reading, likewise
    try:
        with (control / f"log.{at.segment:06}").open("rb") as file:
            file.seek(at.offset)
            data = file.read(CHUNK)
    except FileNotFoundError:
        data = b""
    whole = data.rfind(b"\n") + 1
    if not whole and following is not None:
        return (), Cursor(following, 0)
    lines = data[:whole].split(b"\n")[:-1]
    return tuple(map(_entry, lines)), Cursor(at.segment, at.offset + whole)


def _is_over(folder: ReplicaFolder) -> bool:
    return folder.state().phase in (JobPhase.EXITED, JobPhase.MISSING)


def _next_segment(control: Path, segment: int) -> int | None:
    return min((number for number in _segments(control) if number > segment), default=None)


def _segments(control: Path) -> list[int]:
    if not control.exists():
        return []
    return [int(path.suffix[1:]) for path in control.glob("log.[0-9]*")]


def _forget(control: Path, at: Cursor) -> None:
    for number in _segments(control):
        if number < at.segment:
            (control / f"log.{number:06}").unlink(missing_ok=True)


def _entry(line: bytes) -> LogEntry:
    clock, stream, flag, text = line.split(b" ", 3)
    seconds, rest = clock.rstrip(b"Z").split(b".")
    return LogEntry(
        at=_seconds(seconds) * 10**9 + int(rest),
        stream=LogStream(stream.decode()),
        text=text,
        partial=flag == b"P",
    )


@lru_cache(maxsize=16)
def _seconds(clock: bytes) -> int:
    return int(datetime.fromisoformat(clock.decode()).replace(tzinfo=UTC).timestamp())
