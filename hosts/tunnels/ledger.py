"""Which tunnels may be open, on disk: what a process that was killed leaves to the next one."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from hosts.tunnels.address import Tunnel, tunnel
from perdure.errors import InvalidInput

logger = logging.getLogger(__name__)


class Ledger:
    """Written before a tunnel is opened, and after one is closed. It lives beside the sockets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: frozenset[Tunnel] | None = None

    def read(self) -> frozenset[Tunnel]:
        """What was last written; nothing when there is no file, or one that cannot be read."""
        try:
            self._written = frozenset(map(tunnel, json.loads(self._path.read_bytes())))
        except FileNotFoundError:
            return frozenset()
        except (ValueError, TypeError, InvalidInput) as error:
            logger.error("The list of open tunnels cannot be read, it begins anew: %s", error)
            return frozenset()
        return self._written

    def write(self, tunnels: Iterable[Tunnel]) -> None:
        """Replace the file, atomically, when that changes anything."""
        now = frozenset(tunnels)
        if now == self._written:
            return
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(sorted(each.address for each in now)))
        new.replace(self._path)
        self._written = now
