"""The first start: folders, keys, tables, the user `admin`, the project `main`.

`python -P -m store.setup` can be run again at any time, and changes nothing that is there.
"""

import asyncio
import logging
import secrets
import sys
from pathlib import Path

from perdure import logs
from perdure.client_config import client_file, introduce_own_server
from perdure.errors import CannotStart
from perdure.keys import (
    Purpose,
    create_master_key,
    create_secret,
    read_internal_keys,
    read_master_keys,
    read_secret,
)
from perdure.program import exit_status
from perdure.settings import Settings, read_settings
from store.head import is_set_up_when_there, server_id, shown

log = logging.getLogger(__name__)

SHORTEST_TOKEN = 8
"""Characters of a preset token: a shorter one is a slip, as is one with white space."""
PROFILE_PROJECT = "main"


def set_up(settings: Settings, profile: Path) -> None:
    """Make whatever is missing. Raises `CannotStart`, `Unavailable`, `InvalidConfiguration`."""
    data = settings.data
    data.create()
    _require_own_key(settings)
    if data.server_id.exists():
        read_internal_keys(data.internal_key)
    else:
        create_secret(data.internal_key, secrets.token_urlsafe(32).encode())
        create_secret(data.admin_token, _first_token(settings).encode())
    asyncio.run(_fill(settings))
    if data.admin_token.exists():  # who has noted it down may remove it
        _introduce(settings, profile)


def _introduce(settings: Settings, profile: Path) -> None:
    token = _kept_token(settings)
    url = settings.base_url
    other = introduce_own_server(profile, PROFILE_PROJECT, url, token)
    if other is not None:
        log.warning(
            "Commands go on asking the server at %s, which is the project `%s` in `%s`. For this "
            "one: `perdure project add --url %s < %s`, or a file of its own by `PERDURE_CONFIG`.",
            *(other, PROFILE_PROJECT, profile, url, settings.data.admin_token),
        )


async def _fill(settings: Settings) -> None:
    url, mark = settings.store_url, settings.data.server_id
    ready = await is_set_up_when_there(url, settings.ready_timeout)
    begun = mark.exists()
    if begun:
        _require_own_store(settings, await server_id(url))
    if not ready:
        from store.first_start import fill  # noqa: PLC0415 - a second, which other starts need not

        await fill(url, "" if begun else _kept_token(settings))
    if not begun:
        create_secret(mark, (await server_id(url) or "").encode())


def _require_own_store(settings: Settings, found: str | None) -> None:
    """An empty store in the place of one that was lost would be taken for the truth."""
    if found == read_secret(settings.data.server_id, "server's id").decode().strip():
        return
    what = "is empty" if found is None else "is another server's"
    raise CannotStart(
        f"The store `{shown(settings.store_url)}` {what}, and `{settings.data.root}` has had one.",
        hint="Restore it from the backup. To begin anew, choose another data directory.",
    )


def _kept_token(settings: Settings) -> str:
    return read_secret(settings.data.admin_token, "admin token").decode().strip()


def _require_own_key(settings: Settings) -> None:
    """See that the master key is that of this data directory, or an older one is still with it.

    The first start makes one. A key that was lost is not replaced: nothing that was sealed could
    be read with another.
    """
    begun = settings.data.master_key_check
    if not begun.exists():
        create_master_key(settings.master_key_path)
    checks = [
        key.subkey(Purpose.CHECK).hex().encode()
        for key in read_master_keys(settings.master_key_path)
    ]
    create_secret(begun, checks[0])
    if read_secret(begun, "check of the master key").strip() not in checks:
        raise CannotStart(
            f"The master key `{settings.master_key_path}` is not that of `{settings.data.root}`.",
            hint="Restore it from the backup: another one cannot read what was sealed.",
        )


def _first_token(settings: Settings) -> str:
    if settings.admin_token is None:
        return secrets.token_urlsafe(32)
    token = settings.admin_token.get_secret_value()
    if (
        len(token) < SHORTEST_TOKEN
        or not token.isascii()
        or not token.isprintable()
        or " " in token
    ):
        raise CannotStart(
            "`PERDURE_ADMIN_TOKEN` is not fit for a token.",
            hint=f"Use at least {SHORTEST_TOKEN} letters, digits or signs, without white space.",
        )
    return token


def main() -> int:
    """Set up by the environment's settings; errors and warnings go to stderr."""

    def body() -> None:
        settings = read_settings()
        logs.set_up(settings.log, process="setup", level=settings.log_level)
        set_up(settings, client_file())

    return exit_status(body)


if __name__ == "__main__":
    sys.exit(main())
