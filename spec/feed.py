"""What the internal API and the proxies say to each other.

`GET /internal/v1/feed?after=SEQ` answers with a `Feed` as soon as there is something newer than
SEQ (or, after some seconds, with nothing new); `PUT /internal/v1/proxies/{boot}` takes a
`ProxyLease` and answers with a `LeaseGrant`. Both want the internal key as a bearer token.
"""

from typing import Annotated

from pydantic import Field

from spec.public import PublicModel
from spec.route import TokenGrant

LARGEST = 2**63 - 1
"""What a database's integers hold."""

Sequence = Annotated[int, Field(ge=0, le=LARGEST)]


class RunStarted(PublicModel):
    """A run was applied: proxies follow it from now on."""

    project: str
    run: str


class Feed(PublicModel):
    """All that changed up to `seq`; with `full`, all there is, in place of what was known.

    `revoked` are SHA-256 hashes (hex) of tokens that open nothing any more.
    """

    seq: int
    full: bool = False
    tokens: tuple[TokenGrant, ...] = ()
    revoked: tuple[str, ...] = ()
    started: tuple[RunStarted, ...] = ()


class ProxyLease(PublicModel):
    """A proxy process registers, or renews.

    `stats` is where its `/stats` answers (`unix:///PATH` or `tcp://HOST:PORT`), `feed` the last
    sequence number that it took in.
    """

    stats: str
    feed: Sequence = 0


class LeaseGrant(PublicModel):
    """How long the lease holds, in seconds; renew three times as often."""

    seconds: float


class TableMark(PublicModel):
    """Which table of a run a proxy has: that life, that version."""

    incarnation: str
    version: int


class ProxyStats(PublicModel):
    """What one proxy process knows and does.

    By `project/run`: `tables`; `arrived`, requests since the process started, each when it comes;
    `held`, those that wait now for a replica; `run_in_flight`, those that a replica has now, with
    WebSockets and calls of its model; `run_finished`, those that one has had. By replica id:
    `in_flight` and `finished`. What has arrived and finished only grows; a replica that is gone is
    left out.
    """

    boot: str
    feed: int = 0
    tables: dict[str, TableMark] = {}
    in_flight: dict[str, int] = {}
    finished: dict[str, int] = {}
    arrived: dict[str, int] = {}
    held: dict[str, int] = {}
    run_in_flight: dict[str, int] = {}
    run_finished: dict[str, int] = {}

    def busy(self, service: str) -> int:
        """Requests of a service (`project/run`) that are in flight, or held."""
        return self.held.get(service, 0) + self.run_in_flight.get(service, 0)
