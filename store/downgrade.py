"""`python -P -m store.downgrade VERSION`: take the tables back, for an older perdure.

For when an upgrade must be undone and no backup is at hand. All processes must be stopped before,
and those that start afterwards must be of that older version.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from perdure.program import exit_status
from perdure.settings import read_settings
from store.database import Database
from store.locks import Lock
from store.schema import downgrade


async def take_back(url: str, to: str) -> None:
    """All or nothing. Raises `CannotStart` when there is no such version below the tables'."""
    database = Database(url, seconds=None)
    try:
        async with database.write(Lock.SETUP) as connection:
            await connection.run_sync(downgrade, to)
    finally:
        await database.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Take back the store of the environment's settings."""
    parser = argparse.ArgumentParser(prog="python -P -m store.downgrade", description=__doc__)
    parser.add_argument("version", help="such as `0001`")
    given = parser.parse_args(arguments)
    return exit_status(lambda: asyncio.run(take_back(read_settings().store_url, given.version)))


if __name__ == "__main__":
    sys.exit(main())
