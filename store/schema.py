"""Which version the tables have, and how they get to ours."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import ProgrammingError

from perdure.errors import CannotStart
from store.database import Database
from store.head import HEAD, SET_UP
from store.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
NOT_ALLOWED = "42501"
"""PostgreSQL's code for: that is not for you."""


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


def migrate(connection: Connection) -> None:
    """Bring the tables to `HEAD`; nothing happens when they are there.

    Raises `CannotStart` for a newer store's, and where we may not make tables.
    """
    found = _version(connection)
    try:
        if found is None:
            _create(connection)
        elif found != HEAD:
            upgrade(connection)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != NOT_ALLOWED:
            raise
        raise CannotStart(
            "PostgreSQL does not let us make tables in the store's database.",
            hint="Make our user its owner: `ALTER DATABASE NAME OWNER TO USER`.",
        ) from error


def _create(connection: Connection) -> None:
    """All tables at once, as the migrations would make them: a test compares the two."""
    metadata.create_all(connection)
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)")
    )
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def upgrade(connection: Connection, to: str = HEAD) -> None:
    """Run the migrations from wherever the tables are. Raises `CannotStart` for newer ones."""
    from alembic import command  # noqa: PLC0415 - only where there is something to migrate
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        command.upgrade(_config(connection), to)
    except CommandError as error:
        raise CannotStart(
            "The store was made by a newer version of perdure.",
            hint="Install that version, or restore an older backup.",
        ) from error


def downgrade(connection: Connection, to: str) -> None:
    """Take the tables back to an older version, or to none: `base`. What only ours has is lost.

    Raises `CannotStart` when there is no such version below the tables'.
    """
    from alembic import command  # noqa: PLC0415 - hardly ever
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        command.downgrade(_config(connection), to)
    except CommandError as error:
        raise CannotStart(
            f"The store's tables are of version {_version(connection) or 'none'}: there is no way "
            f"back to {to}.",
            hint="Versions are named like the files in `store/migrations/versions`: `0001`.",
        ) from error


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
