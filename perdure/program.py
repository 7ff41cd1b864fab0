"""How a process of ours begins and ends: settings, log, signals, the last word about a failure."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from perdure.errors import PerdureError
from perdure.logs import set_up, tell_failure
from perdure.settings import Settings, read_settings


def exit_status(body: Callable[[], object]) -> int:
    """Run `body`: 0, or the exit code of the `PerdureError` that it raised, told on stderr.

    It is told as the command line does, see `cli.report`.
    """
    try:
        body()
    except PerdureError as error:
        tell_failure(error)
        return error.exit_code
    return 0


def serve(module: str, process: str) -> int:
    """Live as `run(settings)` of a module does, and log to stderr as `process`; the exit status.

    The module is imported after the settings were read, so that the first word about a wrong one
    is ours.
    """

    def body() -> None:
        settings = read_settings()
        set_up(settings.log, process=process, level=settings.log_level)
        life: Callable[[Settings], Coroutine[None, None, None]] = _imported(module).run
        asyncio.run(life(settings))

    return exit_status(body)


def leave(status: int) -> NoReturn:
    """Exit with all that was said written, but without taking the interpreter down.

    Threads of Temporal's core go on calling into it, and one that does so meanwhile aborts the
    process (https://github.com/temporalio/sdk-python/issues/300).
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(status)


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT from now on, in place of what they do otherwise."""
    told = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, told.set)
    return told


def _imported(module: str) -> ModuleType:
    """Import without looking for garbage, a fifth of the time; what it made is never garbage."""
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()
