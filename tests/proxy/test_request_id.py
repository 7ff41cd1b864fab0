"""Who answered which request: `X-Request-Id` and `X-Perdure-Replica`."""

import re
from collections.abc import Awaitable, Callable

import pytest

from proxy.addresses import Endpoint
from proxy.balance import Replica
from proxy.request_id import new_lines
from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client, Message, read_head

Start = Callable[..., Awaitable[Upstream]]
OURS = re.compile(r"[0-9a-f]{32}")
LONGEST = "x" * 128


def the_id(message: Message) -> str:
    (value,) = message.all("x-request-id")
    return value


async def test_the_clients_own_id_goes_to_the_replica_and_back(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    for own in ("a", "9f3c/ü".encode().decode("ascii", "ignore"), "with blanks: {}", LONGEST):
        reply = await client.send(head(name, f"X-Request-Id: {own}"))
        assert the_id(reply) == the_id(application.requests[-1]) == own
        assert reply.all("x-perdure-replica") == [f"{name}/r0"]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("X-Request-Id:",),
        (f"X-Request-Id: {LONGEST}x",),
        ("X-Request-Id: \xe4\xff",),
        ("X-Request-Id: a\tb",),
        ("X_Request_Id: lookalike",),
    ],
    ids=repr,
)
async def test_without_an_id_to_be_passed_on_a_new_one_is_made(
    proxy: RunningProxy, upstream: Start, client: Client, lines: tuple[str, ...]
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    raw = head(name, *lines).decode().encode("latin-1")
    ids = [the_id(await client.send(raw)) for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(OURS.fullmatch(each) for each in ids)
    assert ids == [the_id(each) for each in application.requests]
    assert not application.requests[0].get("x_request_id")


@pytest.mark.parametrize("end", ["\r", "\n", "\0", "\r\n\r"])
async def test_an_id_cannot_bring_another_line_along(
    proxy: RunningProxy, upstream: Start, client: Client, end: str
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    reply = await client.send(head(name, f"X-Request-Id: a{end}X-Evil: b"))
    assert reply.get("x-evil") is None
    assert all(each.get("x-request-id") != "aX-Evil: b" for each in application.requests)


async def test_of_two_ids_the_first_counts(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    reply = await client.send(head(name, "X-Request-Id: one", "x-request-id: two"))
    assert the_id(reply) == the_id(application.requests[-1]) == "one"


async def test_what_a_replica_says_of_itself_does_not_count(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.reply(b"", "X-Request-Id: other", "X-Perdure-Replica: r9-g9")

    name = await proxy.publish((await upstream(answer)).address)
    reply = await client.send(head(name, "X-Request-Id: mine"))
    assert the_id(reply) == "mine"
    assert reply.all("x-perdure-replica") == [f"{name}/r0"]


async def test_an_upgrade_has_them_too(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        request = await read_head(connection.reader)
        assert the_id(request) == "mine"
        await connection.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
            b"Upgrade: perdure-test\r\n\r\n"
        )

    name = await proxy.publish((await upstream(answer)).address)
    upgrade = ("Connection: upgrade", "Upgrade: perdure-test", "X-Request-Id: mine")
    client.write(head(name, *upgrade))
    reply = await read_head(client.reader)
    assert (reply.status, the_id(reply)) == (101, "mine")
    assert reply.get("x-perdure-replica")


async def test_our_own_answers_have_an_id_and_no_replica(
    proxy: RunningProxy, client: Client
) -> None:
    reply = await client.send(head("nothing-here", "X-Request-Id: mine"))
    assert (reply.status, the_id(reply)) == (404, "mine")
    refused = await client.send(head("nothing-here", "Transfer-Encoding: odd"))
    assert refused.status == 400
    assert OURS.fullmatch(the_id(refused))
    assert refused.get("x-perdure-replica") is None


async def test_a_head_that_never_ends_is_answered_with_an_id(
    proxy: RunningProxy, client: Client
) -> None:
    reply = await client.send(b"GET / HTTP/1.1\r\nHost")
    assert (reply.status, bool(OURS.fullmatch(the_id(reply)))) == (408, True)


def test_ids_of_several_processes_differ() -> None:
    lines = [next(ids) for ids in (new_lines(), new_lines()) for _ in range(3)]
    assert len(set(lines)) == 6


def test_ids_of_one_process_differ() -> None:
    ids = new_lines()
    lines = [next(ids) for _ in range(1000)]
    assert len(set(lines)) == 1000
    assert all(OURS.fullmatch(line[14:-2].decode()) for line in lines)


@pytest.mark.parametrize(
    ("replica", "told"),
    [
        ("run/main/chat/0a1b/r3-g12", "r3-g12"),
        ("r0-g1", "r0-g1"),
        ("chat/r0", "chat/r0"),
        ("chat/r3-g12/x", "chat/r3-g12/x"),
        ("a\r\nX-Evil: b", "a??X-Evil:?b"),
    ],
)
def test_a_replica_is_told_by_its_number(replica: str, told: str) -> None:
    assert Replica(replica, Endpoint()).line == f"x-perdure-replica: {told}\r\n".encode()
