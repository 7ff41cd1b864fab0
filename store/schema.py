"""Which version the tables have, and how they get to ours."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from perdure.errors import CannotStart
from store.database import Database
from store.head import HEAD, SET_UP
from store.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"


async def version(database: Database) -> str | None:
    """The version of the tables; None when there are none."""
    async with database.read() as connection:
        return await connection.run_sync(_version)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


async def require_head(database: Database) -> None:
    """Raise `CannotStart` unless the tables are of this version of perdure."""
    found = await version(database)
    if found != HEAD:
        raise CannotStart(
            f"The store's tables are of version {found or 'none'}, not {HEAD}.",
            hint=SET_UP,
        )


async def migrate(database: Database) -> None:
    """Bring the tables to `HEAD`; nothing happens when they are there."""
    if await version(database) == HEAD:
        return
    async with database.write() as connection:
        await connection.run_sync(_migrate)


def _migrate(connection: Connection) -> None:
    if _version(connection) is None:
        _create(connection)
    else:
        upgrade(connection)


def _create(connection: Connection) -> None:
    """All tables at once, as the migrations would make them: a test compares the two."""
    metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def upgrade(connection: Connection) -> None:
    """Run the migrations from wherever the tables are. Raises `CannotStart` for newer ones."""
    from alembic import command  # noqa: PLC0415 - only where there is something to migrate
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise CannotStart(
            "The store was made by a newer version of perdure.",
            hint="Install that version, or restore an older backup.",
        ) from error
