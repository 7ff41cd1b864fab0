"""All machines' links, made and ended as tunnels are wanted."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from hosts.tunnels.address import Remote, Tunnel
from hosts.tunnels.decision import GRACE, kept
from hosts.tunnels.ledger import Ledger
from hosts.tunnels.link import Link, LinkHealth
from hosts.tunnels.master import IDENTITY
from spec.public import Model


class BoardHealth(Model):
    """All machines."""

    machines: tuple[LinkHealth, ...]


class Board:
    """Keeps tunnels in `folder`, and each for `grace` seconds after it was last wanted.

    It logs in with the private key at `identity`.
    """

    def __init__(self, folder: Path, identity: Path, grace: float = GRACE) -> None:
        link = folder / IDENTITY
        link.unlink(missing_ok=True)
        link.symlink_to(identity)
        self._folder = folder
        self._grace = grace
        self._ledger = Ledger(folder / "open.json")
        self._links: dict[Remote, Link] = {}
        self._kept: dict[Tunnel, float] = {}

    def adopt(self) -> None:
        """Take over what an earlier process left open; the grace of what nobody wants begins now.

        What did not live on is made anew: it may still be wanted.
        """
        self._kept = dict.fromkeys(self._ledger.read(), time.monotonic())
        self._tell()

    def want(self, tunnels: Iterable[Tunnel] | None) -> None:
        """Have these; None: as before, since nobody can say."""
        self._kept = kept(self._kept, tunnels, time.monotonic(), self._grace)
        self._tell()

    async def end(self) -> None:
        """End all connections."""
        await asyncio.gather(*(link.end() for link in self._links.values()))
        self._links.clear()
        self._ledger.write(())

    def health(self) -> BoardHealth:
        """As of now."""
        return BoardHealth(
            machines=tuple(self._links[each].health() for each in sorted(self._links))
        )

    def _tell(self) -> None:
        for remote in [remote for remote, link in self._links.items() if link.done]:
            del self._links[remote]
        opened = (link.opened for link in self._links.values())
        self._ledger.write(frozenset(self._kept).union(*opened))
        groups: defaultdict[Remote, set[Tunnel]] = defaultdict(set)
        for tunnel in self._kept:
            groups[tunnel.remote].add(tunnel)
        for remote in groups.keys() - self._links.keys():
            self._links[remote] = Link(remote, self._folder)
        for remote, link in self._links.items():
            link.want(frozenset(groups[remote]))
