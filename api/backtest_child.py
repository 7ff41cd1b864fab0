"""The process of a backtest, seen from the API."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

from api.backtest_process import OUTCOMES, Question, Reading, Replay
from perdure.errors import InvalidInput, Unavailable
from spec.backtest import RuledOutcome

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes of an answer: a configuration, which came in 1 MiB at most, with its defaults."""


class BacktestChild:
    """One backtest: what is asked, then what comes of it."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout

    async def read(self, call: bytes) -> Question:
        """What the call asks. Raises `InvalidInput`."""
        reading = Reading.model_validate_json(await self._answer(b"%d\n" % len(call) + call))
        if reading.question is None:
            raise InvalidInput(reading.message, hint=reading.hint)
        return reading.question

    async def replay(self, replay: Replay) -> tuple[RuledOutcome, ...]:
        """What comes of the load under each rule."""
        return OUTCOMES.validate_json(await self._answer(replay.model_dump_json().encode() + b"\n"))

    async def _answer(self, asked: bytes) -> bytes:
        with contextlib.suppress(ConnectionError):  # then there is no answer, either
            self._stdin.write(asked)
            await self._stdin.drain()
        line = await self._stdout.readline()
        if not line:
            raise Unavailable(
                "The backtest ended without a result.", hint="The server's log says more."
            )
        return line


@contextlib.asynccontextmanager
async def backtest_child() -> AsyncIterator[BacktestChild]:
    """A process for one backtest; killed when the context ends before it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api.backtest_process"),
        stdin=PIPE,
        stdout=PIPE,
        limit=LONGEST_LINE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        yield BacktestChild(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
