"""From a runtime's entries to lines, and from lines to the bytes of a chunk. Pure."""

import base64
import json
from collections.abc import Iterable

from spec.log import LogEntry, LogStream
from spec.public import Model
from spec.submission import LogLine

LONGEST_LINE = 1024 * 1024
"""Bytes after which a line that does not end is cut."""


class BegunLine(Model):
    """The pieces so far of a line that goes on; `at` is that of its first."""

    at: int
    text: bytes


class Line(Model):
    """A whole line, without a number yet; `at` in nanoseconds since the epoch."""

    at: int
    stream: LogStream
    text: str


Begun = dict[LogStream, BegunLine]


def assemble(begun: Begun, entries: Iterable[LogEntry]) -> tuple[list[Line], Begun]:
    """The lines that end within `entries`, and what is begun after them."""
    lines, open_lines = [], dict(begun)
    for entry in entries:
        before = open_lines.pop(entry.stream, BegunLine(at=entry.at, text=b""))
        line = BegunLine(at=before.at, text=before.text + entry.text)
        if entry.partial and len(line.text) < LONGEST_LINE:
            open_lines[entry.stream] = line
        else:
            lines.append(_whole(entry.stream, line))
    return lines, open_lines


def finish(begun: Begun) -> list[Line]:
    """The lines that were begun and will not go on, oldest first."""
    lines = [_whole(stream, line) for stream, line in begun.items()]
    return sorted(lines, key=lambda line: line.at)


def pack_begun(begun: Begun) -> bytes:
    """The bytes to keep of begun lines."""
    kept = {s: [line.at, base64.b64encode(line.text).decode()] for s, line in begun.items()}
    return json.dumps(kept).encode()


def unpack_begun(packed: bytes) -> Begun:
    """What `pack_begun` was given."""
    return {
        LogStream(stream): BegunLine(at=at, text=base64.b64decode(text))
        for stream, (at, text) in json.loads(packed).items()
    }


def pack(lines: Iterable[Line]) -> bytes:
    """A chunk: JSON, so that no byte of a line means anything to a database."""
    packed = [[line.at, line.stream is LogStream.STDERR, line.text] for line in lines]
    return json.dumps(packed, ensure_ascii=False, separators=(",", ":")).encode()


def unpack(chunk: bytes, first_id: int, replica: int) -> list[LogLine]:
    """The lines of a chunk, numbered from `first_id`."""
    return [
        LogLine.model_validate(
            {
                "id": number,
                "at": at / 1e9,
                "replica": replica,
                "stream": LogStream.STDERR if is_error else LogStream.STDOUT,
                "text": text,
            }
        )
        for number, (at, is_error, text) in enumerate(json.loads(chunk), start=first_id)
    ]


def _whole(stream: LogStream, line: BegunLine) -> Line:
    text = line.text.removesuffix(b"\n").removesuffix(b"\r")
    # Lone surrogates cannot come out of `replace`, so every line can be encoded again.
    return Line(at=line.at, stream=stream, text=text.decode(errors="replace"))
