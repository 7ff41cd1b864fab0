"""One readable log out of many: a line of each part's log file, with the part's name before it."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from perdure.logs import ASIDE
from server.entry import entry

PAUSE = 0.1  # seconds between two looks at the files
LARGEST = 32 << 20  # bytes of a log file before it becomes `<name>.log.1`
CHUNK = 1 << 20


class Tail:
    """The new whole lines of a file that others append to."""

    def __init__(self, path: Path, *, largest: int = LARGEST) -> None:
        self._path, self._largest = path, largest
        self._offset, self._rest = self._size(), b""

    def lines(self) -> list[str]:
        """What came since the last call; a file that was cut is read from its start."""
        size = self._size()
        if size < self._offset:
            self._offset, self._rest = 0, b""
        if size == self._offset:
            if size > self._largest:
                self._rotate()
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(CHUNK)
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in whole]

    def _size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def _rotate(self) -> None:
        """The process keeps its file open for appending, so the file is copied and emptied."""
        with suppress(OSError):  # a full disk: then emptying it is all the more needed
            shutil.copyfile(self._path, self._path.with_name(f"{self._path.name}.1"))
        os.truncate(self._path, 0)
        self._offset = 0


class Terminal:
    """Where the supervisor and all parts are read. `as_json`: one object a line, whoever writes."""

    def __init__(self, out: TextIO = sys.stdout, *, as_json: bool = False) -> None:
        self._out: TextIO | None = out
        self._as_json = as_json
        self._width = 8

    def say(self, name: str, line: str, *, level: str = "info") -> None:
        """Write one line. A terminal that is gone is no reason to end."""
        if self._out is None:
            return
        told = (
            entry(name, line, level=level) if self._as_json else f"{name:<{self._width}} | {line}"
        )
        try:
            self._out.write(f"{told}\n")
            self._out.flush()
        except OSError:
            self._out = None

    async def merge(self, logs: Path, names: Iterable[str]) -> None:
        """Write what the parts log from now on, for ever."""
        tails = {name: Tail(logs / f"{name}.log") for name in names}
        self._width = max([self._width, *map(len, tails)])
        while True:
            for name, tail in tails.items():
                for line in tail.lines():
                    if line.strip() and not line.startswith(ASIDE):
                        self.say(name, line)
            await asyncio.sleep(PAUSE)
