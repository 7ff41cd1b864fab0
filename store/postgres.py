"""How PostgreSQL is reached, and what to say when it is not. Loads its driver only when asked."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from perdure.errors import CannotStart, PerdureError, Unavailable, sentence

if TYPE_CHECKING:
    import asyncpg

SCHEMES = ("postgresql+asyncpg", "postgresql", "postgres")
CONNECT_SECONDS = 10.0
"""For the whole of a connection: one that takes longer is not there."""


def is_postgres(url: str) -> bool:
    """Whether this is PostgreSQL's kind of URL."""
    return url.partition("://")[0] in SCHEMES


def driver() -> Any:
    """The package `asyncpg`. Raises `CannotStart` where it is not installed."""
    try:
        import asyncpg  # noqa: PLC0415 - only for those who use PostgreSQL
    except ModuleNotFoundError as error:
        raise CannotStart(
            "The store is to be on PostgreSQL, whose driver `asyncpg` is not installed.",
            hint='Install it: `pip install "perdure[server,postgres]"`.',
        ) from error
    return asyncpg


async def connect(url: str, seconds: float | None = None) -> "asyncpg.Connection[Any]":
    """A connection whose statements may take `seconds` each.

    The URL is libpq's, as `psql` takes it, so `PGPASSFILE` and its kin count.
    Raises `Unavailable` when it may come back by itself, `CannotStart` when somebody must mend
    something. Neither tells the password.
    """
    asyncpg = driver()
    with told(url):
        return await asyncpg.connect(
            "postgresql://" + url.partition("://")[2],
            timeout=CONNECT_SECONDS,
            command_timeout=seconds,
            server_settings={"application_name": "perdure"},
        )


def shown(url: str) -> str:
    """What may be shown of a URL: where it leads, and nothing of who we are."""
    where, _, database = _named(url)
    return f"{where}/{database}"


@contextmanager
def told(url: str) -> Iterator[None]:
    """What goes wrong with the connection inside, in our words; a missing table is no trouble."""
    asyncpg = driver()
    try:
        yield
    except asyncpg.UndefinedTableError:
        raise
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _trouble(url, error) from None  # its own text may have what is in the URL
    except ValueError:
        raise CannotStart(
            "`PERDURE_DATABASE_URL` is no URL of PostgreSQL.",
            hint="It looks like `postgresql+asyncpg://USER@HOST:5432/DATABASE`.",
        ) from None


def _trouble(url: str, error: Exception) -> PerdureError:
    asyncpg = driver()
    where, user, database = _named(url)
    who = f"the user `{user}`" if user else "us"
    match error:
        case asyncpg.InvalidCatalogNameError():
            return CannotStart(
                f"PostgreSQL at `{where}` has no database `{database}`.",
                hint=f"Make it: `createdb --owner={user or 'USER'} {database}`.",
            )
        case (
            asyncpg.InvalidPasswordError()
            | asyncpg.InvalidAuthorizationSpecificationError()
            | asyncpg.InsufficientPrivilegeError()
        ):
            return CannotStart(
                f"PostgreSQL at `{where}` does not let {who} in.",
                hint="Correct `PERDURE_DATABASE_URL`. PostgreSQL's own log says why.",
            )
        case asyncpg.ClientConfigurationError():
            return CannotStart(
                f"PostgreSQL at `{where}` cannot be asked like this.",
                hint="Correct `PERDURE_DATABASE_URL`.",
            )
        case ssl.SSLError():
            reason = f"TLS fails: {error.reason}"
        case asyncpg.PostgresError():
            reason = error.args[0]
        case TimeoutError():
            reason = f"no answer within {CONNECT_SECONDS:g} s"
        case OSError():
            reason = (error.strerror or str(error)).lower()
        case _:
            reason = "it ended the connection"
    return Unavailable(
        sentence(f"The store's PostgreSQL at `{where}` does not answer: {reason}"),
        hint="Start it, or name the right one by `PERDURE_DATABASE_URL`.",
    )


def _named(url: str) -> tuple[str, str, str]:
    """Where it is, as whom we come, and to which database: nothing else of the URL is shown."""
    parts = urlsplit("postgresql://" + url.partition("://")[2])
    where = parts.netloc.rpartition("@")[2]
    return unquote(where) or "the default address", unquote(parts.username or ""), parts.path[1:]
