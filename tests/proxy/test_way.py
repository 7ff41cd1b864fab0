"""A connection's last way: taken again only by a request that would be admitted again."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from proxy.auth import Tokens
from proxy.limits import Limits
from proxy.plane import Plane
from proxy.request_head import RequestHead
from proxy.way import Way
from spec.route import RouteTable, TokenGrant

GRANT = TokenGrant(sha256=sha256(b"good").hexdigest(), projects=("main",))


def table(version: int, run: str = "chat") -> RouteTable:
    return RouteTable(project="main", run=run, version=version, replicas=())


@pytest.fixture
async def plane() -> Plane:
    plane = Plane(tunnels=Path("/t"), limits=Limits())
    plane.tokens.add([GRANT])
    plane.table.apply(table(1))
    return plane


@pytest.fixture
async def way(plane: Plane) -> Way:
    service = plane.table.services[b"main", b"chat"]
    return Way(plane, service, head(authorization=None), b"Bearer good", b"")


def head(
    target: bytes = b"/proxy/services/main/chat/x?y",
    authorization: bytes | None = b"Bearer good",
    host: bytes = b"a.test",
    token: bytes | None = None,
) -> RequestHead:
    head = RequestHead()
    head.target, head.authorization, head.host, head.token = target, authorization, host, token
    return head


def test_it_leads_every_path_below_the_service(way: Way) -> None:
    assert way.leads(head())
    assert way.leads(head(b"/proxy/services/main/chat/"))
    assert head().target[way.rest_at :] == b"/x?y"


@pytest.mark.parametrize(
    "other",
    [
        head(b"/proxy/services/main/chat"),
        head(b"/proxy/services/main/chat2/x"),
        head(b"/proxy/services/main/other/x"),
        head(authorization=None),
        head(authorization=b"Bearer bad"),
        head(host=b"b.test"),
        head(token=b"bad"),
    ],
)
def test_it_leads_nobody_else(way: Way, other: RequestHead) -> None:
    assert not way.leads(other)


def test_it_ends_with_any_change_of_the_tokens(plane: Plane, way: Way) -> None:
    plane.tokens.revoke([GRANT.sha256])
    assert not way.leads(head())


async def test_it_ends_when_the_token_expires(plane: Plane) -> None:
    ends = datetime(2026, 11, 25, 12, tzinfo=UTC)
    now = ends.timestamp() - 1
    plane.tokens = Tokens([GRANT.model_copy(update={"expires_at": ends})], lambda: now)
    service = plane.table.services[b"main", b"chat"]
    way = Way(plane, service, head(), b"Bearer good", b"")
    assert way.leads(head())
    now = ends.timestamp()
    assert not way.leads(head())


def test_it_ends_with_any_change_of_the_table(plane: Plane, way: Way) -> None:
    plane.table.apply(table(2))
    assert not way.leads(head())


def test_it_ends_with_the_run(plane: Plane, way: Way) -> None:
    plane.table.forget("main", "chat")
    assert not way.leads(head())


def test_a_table_that_is_known_already_changes_nothing(plane: Plane, way: Way) -> None:
    assert not plane.table.apply(table(1))
    assert way.leads(head())
