"""Which accelerator of which machine belongs to which replica. Never to two."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from perdure.errors import NoCapacity
from store.database import Database
from store.tables import gpus


class Gpus:
    """All claims on accelerators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, host: str, token: str, ids: Sequence[str]) -> None:
        """Claim all of them, or find that the token has them.

        Raises `NoCapacity` when another token has one of them: then nothing was claimed.
        """
        wanted = select(gpus).where(gpus.c.host == host, gpus.c.gpu.in_(ids))
        try:
            async with self._database.write() as connection:
                holders = {row.gpu: row.token for row in await connection.execute(wanted)}
                if any(holder != token for holder in holders.values()):
                    raise _taken(host)
                # In one order for all: of two that claim the same, neither waits for the other.
                free = sorted(gpu for gpu in ids if gpu not in holders)
                if free:
                    rows = [{"host": host, "gpu": gpu, "token": token} for gpu in free]
                    await connection.execute(insert(gpus), rows)
        except IntegrityError as error:  # somebody claimed after we had looked: who?
            held = await self.claimed(host)
            if any(held.get(gpu) != token for gpu in ids):
                raise _taken(host) from error

    async def release(self, token: str) -> None:
        """Give back what the token holds."""
        async with self._database.write() as connection:
            await connection.execute(delete(gpus).where(gpus.c.token == token))

    async def claimed(self, host: str) -> dict[str, str]:
        """The claimed ones of the machine, each with its token."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(gpus).where(gpus.c.host == host))
            return {row.gpu: row.token for row in rows}


def _taken(host: str) -> NoCapacity:
    return NoCapacity(
        f"GPUs of `{host}` that were chosen were taken meanwhile.",
        hint="Stop a service that uses GPUs there, or ask for fewer.",
    )
