"""The route table: all that a proxy knows of a run.

A run publishes its `RouteTable` in its memo; `perdure proxy --routes FILE` reads a `RouteFile`.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from spec.public import PublicModel

_ADDRESS = re.compile(
    r"tcp://(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}"
    r"|unix:///\S+"
    r"|ssh://[\w.-]+@(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}#[^/]+(/[^/]*)*/(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}"
)


def _checked_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError(f"`{text}` is not an address such as `tcp://172.30.0.7:8000`")
    return text


Address = Annotated[str, AfterValidator(_checked_address)]
"""`tcp://HOST:PORT`, `unix:///PATH`, or `ssh://USER@HOST:PORT#HOST-KEY/HOST:PORT` (a tunnel)."""


def tunnel_socket(address: Address) -> str:
    """The file name of the socket that leads to an `ssh://` address; 128 bits tell them apart."""
    return f"{sha256(address.encode()).hexdigest()[:32]}.sock"


class RouteState(StrEnum):
    """Whether a replica takes new requests."""

    READY = "ready"
    DRAINING = "draining"


class ReplicaRoute(PublicModel):
    """One replica as a proxy sees it. `id` is its identity; addresses may come back."""

    id: str
    address: Address
    state: RouteState = RouteState.READY


class ModelFormat(StrEnum):
    """Which dialect a model service speaks."""

    OPENAI = "openai"
    TGI = "tgi"


class ModelRoute(PublicModel):
    """A model that the service answers for; `prefix` is where its API begins, as in `/v1`."""

    name: str
    format: ModelFormat = ModelFormat.OPENAI
    prefix: str = "/v1"


class RouteTable(PublicModel):
    """All routes of one life of a run.

    `version` grows by one with each change in a life; which life is the present one, only the run
    itself can say: `started_at` is by a clock that may be set back. `starting` says whether a
    replica is on its way, and `asleep` that none is because nobody asked: then a request wakes the
    run. So a proxy without a ready replica tells "not yet" from "none is coming". `cold_start` is
    how many seconds the last replica took from its start to ready; None: nobody knows.
    """

    project: str
    run: str
    version: int = 0
    incarnation: str = ""
    started_at: datetime = datetime.min.replace(tzinfo=UTC)
    auth: bool = True
    strip_prefix: bool = True
    model: ModelRoute | None = None
    starting: bool = False
    asleep: bool = False
    cold_start: float | None = None
    replicas: tuple[ReplicaRoute, ...] = ()


class RouteReport(PublicModel):
    """The tables as a proxy has them. `differs` names the runs whose own view is another."""

    routes: tuple[RouteTable, ...]
    differs: tuple[str, ...] | None = None


class TokenGrant(PublicModel):
    """The SHA-256 (hex) of a token, and the projects whose services it opens, until `expires_at`.

    Of other projects it opens single `services` only (`PROJECT/RUN`). A proxy ends it by its own
    clock; None: it holds until it is revoked.
    """

    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
    projects: tuple[str, ...] = ()
    services: tuple[Annotated[str, Field(pattern=r"^[^/]+/[^/]+$")], ...] = ()
    expires_at: AwareDatetime | None = None


class RouteFile(PublicModel):
    """A fixed table for a proxy without Temporal and API: drills, benchmarks, conformance."""

    version: int = 1
    tokens: tuple[TokenGrant, ...] = ()
    routes: tuple[RouteTable, ...] = ()
