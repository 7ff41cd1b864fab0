"""Which accelerator of which machine belongs to which replica. Never to two."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from perdure.errors import NoCapacity
from store.connection import Database
from store.tables import gpus


class Gpus:
    """All claims on accelerators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, host: str, token: str, count: int, candidates: Sequence[str]
    ) -> tuple[str, ...]:
        """`count` free ones of the candidates, in their order; the same ones for the same token.

        Raises `NoCapacity` when there are fewer.
        """
        async with self._database.write() as connection:
            rows = (await connection.execute(select(gpus).where(gpus.c.host == host))).all()
            own = tuple(row.gpu for row in rows if row.token == token)
            if own:
                return own
            taken = {row.gpu for row in rows}
            free = tuple(gpu for gpu in candidates if gpu not in taken)[:count]
            if len(free) < count:
                raise NoCapacity(
                    f"`{host}` has {len(free)} free GPUs of the {count} that are needed.",
                    hint="Stop a service that uses GPUs there, or ask for fewer.",
                )
            for gpu in free:
                row = {"host": host, "gpu": gpu, "token": token}
                await connection.execute(insert(gpus).values(row))
        return free

    async def release(self, token: str) -> None:
        """Give back what the token holds."""
        async with self._database.write() as connection:
            await connection.execute(delete(gpus).where(gpus.c.token == token))

    async def claimed(self, host: str) -> dict[str, str]:
        """The claimed ones of the machine, each with its token."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(gpus).where(gpus.c.host == host))
            return {row.gpu: row.token for row in rows}
