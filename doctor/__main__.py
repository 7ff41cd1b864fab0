"""`python -P -m doctor`: the findings as JSON on stdout; with `bundle FILE`, a support bundle."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from doctor.bundle import write_bundle
from doctor.check import diagnose
from doctor.checks import ALL
from perdure import logs
from perdure.errors import CannotStart
from perdure.program import exit_status, leave
from perdure.settings import LogFormat, LogLevel, Settings, read_settings


def main(arguments: Sequence[str]) -> int:
    """Look by the environment's settings; 0 also when something is wrong with what was seen."""

    def body() -> None:
        settings = read_settings()
        logs.set_up(LogFormat.TEXT, process="doctor", level=LogLevel.ERROR)
        match arguments:
            case ["bundle", file]:
                _require_data(settings)
                asyncio.run(write_bundle(settings, Path(file)))
            case _:
                found = asyncio.run(diagnose(ALL, settings))
                sys.stdout.write(found.model_dump_json() + "\n")

    return exit_status(body)


def _require_data(settings: Settings) -> None:
    if not settings.data.root.is_dir():
        raise CannotStart(
            f"There is no server's data directory at `{settings.data.root}`.",
            hint="Run this as the server's user, or name the directory by `--data-dir`.",
        )


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
