"""Homes of servers whose data directory is gone: without it nobody knows of them any more."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import psutil

from hosts.process.tree import remove_tree
from perdure.errors import HostError

OWNER = "owner"
"""The link in a server's folder of homes to its folder of replicas."""

log = logging.getLogger(__name__)


def sign(homes: Path, root: Path) -> None:
    """Say that the homes belong to the replicas of `root`, a folder of the data directory."""
    link = homes / OWNER
    if not link.is_symlink():
        link.symlink_to(root)


def abandoned(shared: Path) -> Iterator[Path]:
    """The folders of homes in `shared` whose owner is gone."""
    if shared.is_dir():
        for homes in sorted(shared.iterdir()):
            owner = homes / OWNER
            if owner.is_symlink() and _is_gone(owner):
                yield homes


def _is_gone(owner: Path) -> bool:
    try:
        return not owner.exists()
    except OSError:  # nobody can tell: its disk is ill, or closed to us
        return False


def is_in_use(homes: Path) -> bool:
    """Whether a replica of these homes still runs, though nobody looks after it."""
    uids = {home.lstat().st_uid for home in homes.iterdir()} - {0}
    running = {
        each.info["uids"].real for each in psutil.process_iter(["uids"]) if each.info["uids"]
    }
    return bool(uids & running)


async def sweep(shared: Path) -> int:
    """Remove abandoned homes in which nothing runs; how many there were.

    What cannot be removed stays for the next sweep, with a warning.
    """
    swept = 0
    for homes in await asyncio.to_thread(lambda: list(abandoned(shared))):
        try:
            swept += await _remove_unused(homes)
        except HostError as error:
            log.warning("%s Its server's data is gone. %s", error.message, error.hint or "")
        except (OSError, psutil.Error) as error:
            log.warning("`%s`, whose server's data is gone, cannot be removed: %s", homes, error)
    return swept


async def remove_homes(homes: Path) -> None:
    """Remove a folder of homes. Raises `HostError` when something stays.

    The owner's link goes after all homes, or nobody would find again what stays of them.
    """
    failed: list[HostError] = []
    for home in await asyncio.to_thread(lambda: sorted(homes.iterdir())):
        if home.name != OWNER:
            try:
                await remove_tree(home)
            except HostError as error:
                failed.append(error)
    if failed:
        raise failed[0]
    await remove_tree(homes)


async def _remove_unused(homes: Path) -> bool:
    if await asyncio.to_thread(is_in_use, homes):
        log.warning("Replicas run in `%s`, whose server's data is gone", homes)
        return False
    await remove_homes(homes)
    return True
