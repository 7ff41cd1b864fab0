"""A steady load: each request is due by the clock, whatever has become of those before it.

It is a process of its own, so that nothing else has a share in its times:
`python -m benchmarks.steady PORT PATH RATE` asks `RATE` times a second until its standard input is
closed, then prints for each request when it was due, how many seconds later it was answered, and
the status; 0 is for those without an answer.
"""

import asyncio
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PATIENCE = 30.0
"""Seconds after which an answer counts as lost."""
BROKEN = (OSError, TimeoutError, EOFError, ValueError, asyncio.LimitOverrunError)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Answer(NamedTuple):
    """`due` is of the monotonic clock, which is the same for all processes of a machine."""

    due: float
    seconds: float
    status: int


class SteadyLoad:
    """The process, as who has started it sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def end(self) -> list[Answer]:
        """Ask no more, wait for what is under way, and tell all of it."""
        told, _ = self._process.communicate(timeout=2 * PATIENCE)
        assert self._process.returncode == 0, self._process.returncode
        return [Answer(*each) for each in json.loads(told)]


@contextmanager
def steady(port: int, path: str, rate: int) -> Iterator[SteadyLoad]:
    command = [sys.executable, "-m", "benchmarks.steady", str(port), path, str(rate)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield SteadyLoad(process)
        finally:
            process.kill()


def within(answers: Sequence[Answer], began: float, ended: float) -> list[Answer]:
    """Those that were due in that time."""
    return [each for each in answers if began <= each.due < ended]


def percentile(answers: Sequence[Answer], share: float) -> float:
    """Seconds in which that share was answered (nearest rank)."""
    ranked = sorted(each.seconds for each in answers)
    return ranked[math.ceil(len(ranked) * share) - 1]


def failed(answers: Sequence[Answer]) -> int:
    return sum(each.status != 200 for each in answers)


class Clients:
    """Connections to one port, kept as long as the other side keeps them."""

    def __init__(self, port: int, path: str) -> None:
        self.answers: list[Answer] = []
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._idle: list[Connection] = []

    async def ask(self, due: float) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                status = await self._status()
        except BROKEN:
            status = 0
        self.answers.append(Answer(due, time.monotonic() - due, status))

    async def _status(self) -> int:
        reader, writer = await self._connection()
        try:
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            (length,) = [line for line in lines if line.startswith(b"content-length:")]
            await reader.readexactly(int(length.partition(b":")[2]))
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        return int(head.split(b" ", 2)[1])

    async def _connection(self) -> Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)


async def ask_steadily(port: int, path: str, rate: int) -> list[Answer]:
    loop = asyncio.get_running_loop()
    clients, asking = Clients(port, path), set[asyncio.Task[None]]()
    over = loop.run_in_executor(None, sys.stdin.read)
    due = time.monotonic()
    while not over.done():
        due += 1 / rate
        await asyncio.sleep(due - time.monotonic())
        task = asyncio.create_task(clients.ask(due))
        asking.add(task)
        task.add_done_callback(asking.discard)
    await asyncio.gather(*asking)
    return clients.answers


def main() -> None:
    port, path, rate = sys.argv[1:]
    print(json.dumps(asyncio.run(ask_steadily(int(port), path, int(rate)))))


if __name__ == "__main__":
    main()
