"""`python -m api.backtest_process`: one backtest, asked on stdin and answered on stdout.

A process of its own: it takes a core for seconds, and a trace of 1 MiB takes a good part of one to
read. First comes the call, as it was sent, after a line with its length; its `Reading` is answered.
Then comes a `Replay`, and its outcomes are answered, each as a line.
"""

import os
import resource
import sys
import threading

from pydantic import TypeAdapter

from api.json_value import json_value
from perdure.errors import InvalidInput
from policy.backtest import backtest, tick_of
from spec.backtest import (
    BacktestCall,
    BacktestOrder,
    Conditions,
    Given,
    RuledOutcome,
    RuleName,
    Trace,
)
from spec.public import Model
from spec.scale import ScalingSpec
from spec.service import ServiceConfiguration

OUTCOMES = TypeAdapter(tuple[RuledOutcome, ...])

CPU_SECONDS = 60
MEMORY = 1024**3
"""Bytes of address space: a million requests take a quarter of it."""
NICE = 10
"""Whoever replays waits for a minute at most; what the server does besides does not wait for it."""


class Load(Model):
    """What a trace amounts to."""

    seconds: int
    requests: int
    step: int


class Question(Model):
    """A call of which the trace, if there is one, was read already: this is what it amounts to."""

    configuration: ServiceConfiguration
    conditions: Given
    since: int | None = None
    load: Load | None = None


class Reading(Model):
    """What a call asks; or why it cannot be used."""

    question: Question | None = None
    message: str = ""
    hint: str = ""


class Replay(Model):
    """Replay that trace, else that of the call, under these rules."""

    trace: Trace | None = None
    conditions: Conditions
    rules: tuple[tuple[RuleName, ScalingSpec], ...]


def load_of(trace: Trace) -> Load:
    """What the trace amounts to."""
    return Load(seconds=trace.seconds, requests=trace.requests, step=trace.step)


def main() -> None:
    """Read, answer, replay, answer. It ends when nobody is left to hear of it."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    size = int(sys.stdin.buffer.readline())
    reading, trace = _read(sys.stdin.buffer.read(size))
    _tell(reading.model_dump_json(exclude_unset=True).encode())
    asked = sys.stdin.buffer.readline()
    if not asked:
        return
    threading.Thread(target=_end_with_who_asked, daemon=True).start()
    replay = Replay.model_validate_json(asked)
    trace = replay.trace or trace
    assert trace is not None
    order = BacktestOrder(
        trace=trace,
        conditions=replay.conditions,
        tick=tick_of(trace.seconds),
        rules=replay.rules,
    )
    _tell(OUTCOMES.dump_json(backtest(order)))


def _read(content: bytes) -> tuple[Reading, Trace | None]:
    try:
        call = json_value(BacktestCall, content, strict=False)
    except InvalidInput as error:
        return Reading(message=error.message, hint=error.hint), None
    question = Question(
        configuration=call.configuration,
        conditions=call.conditions,
        since=call.since,
        load=load_of(call.trace) if call.trace else None,
    )
    return Reading(question=question), call.trace


def _tell(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _end_with_who_asked() -> None:
    """Stdin ends when the API takes no answer any more, or was killed."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main()
