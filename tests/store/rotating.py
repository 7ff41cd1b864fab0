"""Rotates a master key, or forgets the old ones, and is killed after so many lasting effects.

`python -m tests.store.rotating DATA_DIR rotate|forget KILL_AT`. What lasts: a file that is written,
synced, put in the place of another or removed, and a transaction that is committed. It is killed
before the first for 0, and ends by itself when it has fewer.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from perdure.settings import Settings
from store.store import open_store


class Deadly:
    """Counts what lasts, and kills this process before the next one."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self, *_: object) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def before(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            self()
            return effect(*given, **named)

        return counted


async def rotate(settings: Settings) -> None:
    async with open_store(settings) as store:
        await store.master_keys.rotate()


async def forget(settings: Settings) -> None:
    async with open_store(settings) as store:
        for key in store.master_keys.all()[1:]:
            await store.master_keys.forget(key.id)


def main(folder: str, what: str, kill_at: int) -> None:
    deadly = Deadly(kill_at)
    for name in ("fsync", "link", "replace", "rename", "unlink"):
        setattr(os, name, deadly.before(getattr(os, name)))
    event.listen(Engine, "commit", deadly)
    life = {"rotate": rotate, "forget": forget}[what]
    asyncio.run(life(Settings(data_dir=Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
