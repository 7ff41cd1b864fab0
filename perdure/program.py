"""How a process of ours begins and ends: settings, log, and the last word about a failure."""

import asyncio
import sys
from collections.abc import Callable, Coroutine

from perdure.errors import PerdureError
from perdure.logs import set_up
from perdure.settings import Settings, read_settings


def exit_status(body: Callable[[], object]) -> int:
    """Run `body`: 0, or the exit code of the `PerdureError` that it raised, told on stderr."""
    try:
        body()
    except PerdureError as error:
        hint = f"hint: {error.hint}\n" if error.hint else ""
        sys.stderr.write(f"error: {error.message}\n{hint}")
        return error.exit_code
    return 0


def serve(life: Callable[[Settings], Coroutine[None, None, None]]) -> int:
    """Live with the settings of the environment, and log to stderr; the exit status."""

    def body() -> None:
        settings = read_settings()
        set_up(settings.log)
        asyncio.run(life(settings))

    return exit_status(body)
