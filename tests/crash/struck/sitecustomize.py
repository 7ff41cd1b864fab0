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


for each in POINTS:
    if VARIABLE in os.environ and each.process == sys.orig_argv[-1]:
        wrap(Path(os.environ[VARIABLE]), each)
