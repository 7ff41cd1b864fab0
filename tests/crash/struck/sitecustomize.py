"""Found by Python at its start, before anything of ours: wraps what the points name."""

import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash.points import POINTS, VARIABLE, Edge, Point


def strike(folder: Path, point: Point) -> None:
    """Die, when the point is armed."""
    try:
        (folder / point.name).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def wrapped(method: Callable[..., Any], folder: Path, point: Point) -> Callable[..., Any]:
    """The method, which dies at the point."""
    before = point.edge is Edge.BEFORE

    @functools.wraps(method)
    def called(*given: Any, **named: Any) -> Any:
        if before:
            strike(folder, point)
        done = method(*given, **named)
        if not before:
            strike(folder, point)
        return done

    @functools.wraps(method)
    async def awaited(*given: Any, **named: Any) -> Any:
        if before:
            strike(folder, point)
        done = await method(*given, **named)
        if not before:
            strike(folder, point)
        return done

    return awaited if inspect.iscoroutinefunction(method) else called


def wrap(folder: Path, point: Point) -> None:
    """Put the wrapped method in its place."""
    owner, name = point.place()
    setattr(owner, name, wrapped(getattr(owner, name), folder, point))


def module(words: list[str]) -> str:
    """The one that is run, as in `python -P -m worker`; empty when it is no module."""
    return words[words.index("-m") + 1] if "-m" in words[:-1] else ""


for each in POINTS:
    if VARIABLE in os.environ and each.process == module(sys.orig_argv):
        wrap(Path(os.environ[VARIABLE]), each)
