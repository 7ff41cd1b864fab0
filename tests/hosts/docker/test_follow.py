"""The log of a real container, exactly once, however often the follower dies."""

from contextlib import aclosing

import pytest

from hosts.docker import DockerRuntime
from spec.log import LogEntry, LogStream
from tests.hosts.docker.jobs import job, log_of, shell, text_of

BOTH = """
import sys, threading
def write(stream, lines):
    for n in range(lines):
        stream.write(f'{n} ' + 'x' * (n % 50) + chr(10))
        if n % 97 == 0:
            stream.write('y' * 40000 + chr(10))
        stream.flush()
threads = [threading.Thread(target=write, args=(s, LINES)) for s in (sys.stdout, sys.stderr)]
[t.start() for t in threads]
"""


def expected(lines: int) -> str:
    return "".join(
        f"{n} " + "x" * (n % 50) + "\n" + ("y" * 40000 + "\n" if n % 97 == 0 else "")
        for n in range(lines)
    )


async def collect(runtime: DockerRuntime, token: str, *, per_life: int) -> list[LogEntry]:
    """Follow with a follower that dies after `per_life` batches, again and again."""
    entries: list[LogEntry] = []
    cursor, done = "", False
    while not done:
        lives = 0
        async with aclosing(runtime.follow(token, cursor)) as batches:
            async for batch in batches:
                entries += batch.entries
                cursor, lives = batch.cursor, lives + 1
                if lives == per_life:
                    break
            else:
                done = True
    return entries


async def exact(runtime: DockerRuntime, token: str, lines: int, *, per_life: int) -> None:
    await runtime.start(job(token, "python3", "-c", BOTH.replace("LINES", str(lines))))
    entries = await collect(runtime, token, per_life=per_life)
    for stream in LogStream:
        assert text_of(entries, stream) == expected(lines)


async def test_lines_of_both_streams_come_exactly_once(runtime: DockerRuntime, token: str) -> None:
    await exact(runtime, token, 1000, per_life=15)


@pytest.mark.long
async def test_many_lines_come_exactly_once(runtime: DockerRuntime, token: str) -> None:
    await exact(runtime, token, 50_000, per_life=500)


async def test_a_line_of_bytes_is_cut_but_not_changed(runtime: DockerRuntime, token: str) -> None:
    program = "import os; os.write(1, b'\\xc3\\xa4' * 10000 + b'\\r\\n'); os.write(1, b'end')"
    await runtime.start(job(token, "python3", "-c", program))
    entries = await log_of(runtime, token)
    assert [entry.partial for entry in entries] == [True, False, True]
    assert b"".join(entry.text for entry in entries) == b"\xc3\xa4" * 10000 + b"\rend"
    assert entries[0].at <= entries[1].at


async def test_docker_spoils_only_the_character_that_it_cuts(
    runtime: DockerRuntime, token: str
) -> None:
    await runtime.start(job(token, "python3", "-c", "print('x' + chr(228) * 10000)"))
    text = text_of(await log_of(runtime, token)).strip()
    assert text.replace("\ufffd", "") == "x" + "\u00e4" * 9999


async def test_a_line_comes_when_it_is_written(runtime: DockerRuntime, token: str) -> None:
    await runtime.start(shell(token, "python3 -c \"print('now'); input()\" < <(sleep 1000)"))
    async for batch in runtime.follow(token, ""):
        if b"now" in [entry.text for entry in batch.entries]:
            return
    pytest.fail("the log ended")


async def test_what_is_missing_has_no_log(runtime: DockerRuntime, token: str) -> None:
    assert await log_of(runtime, token) == []


async def test_the_end_of_a_removed_job_is_the_end_of_its_log(
    runtime: DockerRuntime, token: str
) -> None:
    await runtime.start(shell(token, "echo one; exec sleep 1000"))
    seen: list[LogEntry] = []
    async for batch in runtime.follow(token, ""):
        seen += batch.entries
        if any(entry.text == b"one" for entry in batch.entries):
            await runtime.remove(token)
    assert text_of(seen) == "one\n"
