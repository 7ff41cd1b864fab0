"""`python -P -m store.downgrade VERSION`: take the tables back, for an older perdure.

For when an upgrade must be undone and no backup is at hand. All processes must be stopped before,
and those that start afterwards must be of that older version.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from perdure.program import exit_status
from perdure.settings import Settings, read_settings
from store.database import Database
from store.head import server_id
from store.locks import Lock
from store.schema import downgrade


async def take_back(settings: Settings, to: str) -> None:
    """All or nothing. Raises `CannotStart` when there is no such version below the tables'.

    Without any table there is no server any more, and the next start is a first one.
    """
    database = Database(settings.store_url, seconds=None)
    try:
        async with database.write(Lock.SETUP) as connection:
            await connection.run_sync(downgrade, to)
    finally:
        await database.close()
    if await server_id(settings.store_url) is None:
        settings.data.server_id.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take back the store of the environment's settings."""
    parser = argparse.ArgumentParser(prog="python -P -m store.downgrade", description=__doc__)
    parser.add_argument("version", help="such as `0001`")
    given = parser.parse_args(arguments)
    return exit_status(lambda: asyncio.run(take_back(read_settings(), given.version)))


if __name__ == "__main__":
    sys.exit(main())
