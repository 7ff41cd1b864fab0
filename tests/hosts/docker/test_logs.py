"""Frames in, entries out, each exactly once, however the log is cut and repeated."""

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hosts.docker.logs import LATEST, LONGEST_FRAME, Cursor, Pass
from perdure.errors import HostError, InvalidInput
from spec.log import LogEntry, LogStream

START = 1_700_000_000 * 10**9
NUMBERS = {LogStream.STDOUT: 1, LogStream.STDERR: 2}


def frame(entry: LogEntry) -> bytes:
    """An entry as the engine sends it."""
    date = datetime.fromtimestamp(entry.at // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    line = entry.text + (b"" if entry.partial else b"\n")
    body = f"{date}.{entry.at % 10**9:09}Z ".encode() + line
    return struct.pack(">B3xI", NUMBERS[entry.stream], len(body)) + body


def read(cursor: str, data: bytes, step: int) -> tuple[list[LogEntry], str]:
    reading = Pass(Cursor.parse(cursor))
    batches = [reading.feed(data[at : at + step]) for at in range(0, len(data), step)]
    return [entry for batch in batches if batch for entry in batch.entries], str(reading.cursor)


@st.composite
def logs(draw: st.DrawFn) -> list[LogEntry]:
    """Two streams whose own times never fall, and often stand still."""
    clocks = dict.fromkeys(LogStream, START)
    entries = []
    for stream, wait, text, partial in draw(
        st.lists(
            st.tuples(
                st.sampled_from(LogStream),
                st.sampled_from([0, 0, 1, 999, 10**9]),
                st.binary(max_size=5).map(lambda text: text.replace(b"\n", b"")),
                st.booleans(),
            ),
            max_size=40,
        )
    ):
        clocks[stream] += wait
        entries.append(LogEntry(at=clocks[stream], stream=stream, text=text, partial=partial))
    return entries


@given(entries=logs(), breaks=st.lists(st.integers(0, 40), max_size=6), step=st.integers(1, 90))
def test_each_entry_comes_exactly_once_through_broken_connections(
    entries: list[LogEntry], breaks: list[int], step: int
) -> None:
    cursor, got = "", list[LogEntry]()
    for seen in [*sorted(breaks), len(entries)]:
        data = b"".join(frame(entry) for entry in entries[:seen])
        fresh, cursor = read(cursor, data, step)
        got += fresh
    assert got == entries


@given(entries=logs())
def test_a_connection_may_break_inside_an_entry(entries: list[LogEntry]) -> None:
    data = b"".join(frame(entry) for entry in entries)
    first, cursor = read("", data[: len(data) // 2], 7)
    rest, _ = read(cursor, data, 1000)
    assert first + rest == entries


@given(
    entries=logs().filter(bool),
    place=st.integers(0, 10_000),
    change=st.binary(max_size=12),
    gone=st.integers(0, 12),
    step=st.integers(1, 90),
)
@example([LogEntry(at=START, stream=LogStream.STDOUT, text=b"x")], 0, b"\0", 1, 7)
@example([LogEntry(at=START, stream=LogStream.STDOUT, text=b"x")], 4, b"\xff" * 4, 4, 7)
@example([LogEntry(at=START, stream=LogStream.STDOUT, text=b"x")], 8, b"9999", 4, 7)
@example([LogEntry(at=START, stream=LogStream.STDOUT, text=b"x")], 13, b"99", 2, 7)
def test_bytes_that_no_engine_sends_are_the_hosts_failure(
    entries: list[LogEntry], place: int, change: bytes, gone: int, step: int
) -> None:
    data = b"".join(frame(entry) for entry in entries)
    place %= len(data)
    reading = Pass(Cursor.parse(""))
    data = data[:place] + change + data[place + gone :]
    try:
        for at in range(0, len(data), step):
            reading.feed(data[at : at + step])
    except HostError:
        return
    assert all(0 <= at <= LATEST for at, _ in reading.cursor.root.values())


def test_a_frame_without_end_is_not_waited_for() -> None:
    with pytest.raises(HostError):
        Pass(Cursor.parse("")).feed(struct.pack(">B3xI", 1, LONGEST_FRAME + 1))


def test_a_pass_asks_again_from_a_little_earlier() -> None:
    entry = LogEntry(at=START + 5, stream=LogStream.STDOUT, text=b"x")
    _, cursor = read("", frame(entry), 100)
    assert Cursor.parse(cursor).since == "1699999998.000000005"
    assert Cursor.parse("").since == "0.000000000"


def test_an_empty_line_is_an_entry() -> None:
    entry = LogEntry(at=START, stream=LogStream.STDERR, text=b"")
    assert read("", frame(entry), 100)[0] == [entry]


@pytest.mark.parametrize("text", ["nonsense", "[1]", '{"stdin":[1,2]}'])
def test_a_cursor_of_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a place"):
        Cursor.parse(text)
