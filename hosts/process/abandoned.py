"""Homes of servers whose data directory is gone: without it nobody knows of them any more."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

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
            if owner.is_symlink() and not owner.exists():
                yield homes


def is_in_use(homes: Path) -> bool:
    """Whether a replica of these homes still runs, though nobody looks after it."""
    uids = {home.lstat().st_uid for home in homes.iterdir()} - {0}
    running = {
        each.info["uids"].real for each in psutil.process_iter(["uids"]) if each.info["uids"]
    }
    return bool(uids & running)


def sweep(shared: Path) -> int:
    """Remove abandoned homes in which nothing runs; how many there were."""
    swept = 0
    for homes in list(abandoned(shared)):
        if is_in_use(homes):
            log.warning("Replicas run in `%s`, whose server's data is gone", homes)
            continue
        shutil.rmtree(homes)
        swept += 1
    return swept
