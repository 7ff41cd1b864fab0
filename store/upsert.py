"""Inserts that meet a row of the same key in one statement: two at once both succeed."""

from collections.abc import Mapping

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Insert = postgresql.Insert | sqlite.Insert


def insert_into(connection: AsyncConnection, table: Table) -> Insert:
    """An insert in this database's dialect, which knows `on_conflict_do_update` and its kin."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


async def upsert(connection: AsyncConnection, table: Table, row: Mapping[str, object]) -> None:
    """Write the row, in place of the one with its primary key if there is one."""
    key = [column.name for column in table.primary_key]
    new = insert_into(connection, table).values(row)
    changed = {name: new.excluded[name] for name in row if name not in key}
    await connection.execute(new.on_conflict_do_update(index_elements=key, set_=changed))
