"""`python -P -m api`: the public API, the internal API, and the Temporal UI's sign-in."""

import asyncio
import sys

from api.process import run
from perdure.errors import PerdureError
from perdure.logs import set_up
from perdure.settings import Settings


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
