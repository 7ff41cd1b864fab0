"""The newest migration's number, and whether a database has it: quick, for it loads nothing."""

import sqlite3
from pathlib import Path

HEAD = "0001"

SQLITE = "sqlite+aiosqlite:///"


def is_set_up(url: str) -> bool:
    """Whether this is a SQLite store of our version whose set-up was completed."""
    path = Path(url.removeprefix(SQLITE))
    if not url.startswith(SQLITE) or not path.exists():
        return False
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(
            "SELECT version_num FROM alembic_version JOIN installation"
        ).fetchone()
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return bool(found == (HEAD,))
