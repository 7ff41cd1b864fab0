"""`python -P -m worker`: runs workflows and activities until it is told to stop."""

import asyncio
import sys

from perdure.errors import PerdureError
from perdure.logs import set_up
from perdure.settings import Settings
from worker.process import run


def main() -> int:
    """The exit status."""
    settings = Settings()
    set_up(settings.log)
    try:
        asyncio.run(run(settings))
    except PerdureError as error:
        sys.stderr.write(f"error: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
