"""What a database gets at the first start: its tables, the user `admin`, the project `main`."""

from spec.people import GlobalRole
from store.database import Database
from store.installation import Installation
from store.projects import Projects
from store.schema import migrate
from store.tokens import Tokens
from store.users import Users

ADMIN = "admin"
MAIN = "main"


async def fill(url: str, token: str) -> None:
    """Bring the tables to our version, and introduce `admin` with this token, once."""
    database = Database(url)
    try:
        await migrate(database)
        await _introduce(database, token)
    finally:
        await database.close()


async def _introduce(database: Database, token: str) -> None:
    """The first people. The server's id comes last: with it, a revoked token stays revoked."""
    installation = Installation(database)
    if await installation.exists():
        return
    users, tokens = Users(database), Tokens(database)
    if await users.find(ADMIN) is None:
        await users.create(ADMIN, GlobalRole.ADMIN)
    if not await tokens.of(ADMIN):
        await tokens.create(ADMIN, "first start", value=token)
    projects = Projects(database)
    if await projects.find(MAIN) is None:
        await projects.create(MAIN, ADMIN)
    await installation.create()
