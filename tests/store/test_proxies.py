"""What proxies tell, at addresses at which anybody may answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from spec.feed import ProxyLease, ProxyStats
from store.proxies import Proxies
from store.store import Store
from tests.store.conftest import Clock
from tests.testbed.stats_server import answering


@asynccontextmanager
async def saying(socket: Path, status: str, body: bytes) -> AsyncIterator[None]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()

    async with await asyncio.start_unix_server(answer, socket):
        yield


async def registered(store: Store, boot: str, socket: Path) -> None:
    await store.leases.renew(boot, ProxyLease(stats=f"unix://{socket}"))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", b"<html>Welcome.</html>"),
        ("200 OK", b""),
        ("200 OK", b"[]"),
        ("200 OK", b"{}"),
        ("200 OK", b"\xff\xfe"),
        ("404 Not Found", ProxyStats(boot="one").model_dump_json().encode()),
    ],
)
async def test_who_answers_anything_else_than_numbers_is_silent(
    store: Store, tmp_path: Path, status: str, body: bytes
) -> None:
    stranger, proxy = tmp_path / "stranger.sock", tmp_path / "proxy.sock"
    two = ProxyStats(boot="two")
    async with saying(stranger, status, body), answering(proxy, [two]):
        await registered(store, "one", stranger)
        await registered(store, "two", proxy)
        assert await Proxies(store.leases).stats() == {"one": None, "two": two}


async def test_a_stranger_at_the_address_of_a_proxy_without_a_lease_is_none(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    async with saying(tmp_path / "s.sock", "200 OK", b"<html>Welcome.</html>"):
        await registered(store, "one", tmp_path / "s.sock")
        clock.move(seconds=16)
        assert await Proxies(store.leases).stats() == {}


async def test_what_is_no_http_is_silent(store: Store, tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "s.sock"):
        await registered(store, "one", tmp_path / "s.sock")
        assert await Proxies(store.leases).stats() == {"one": None}
