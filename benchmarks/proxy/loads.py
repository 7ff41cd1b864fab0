"""What the proxies are put through. Each load returns figures by name."""

import asyncio
import re
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial

from contestants import PREFIX, TOKEN, Contestant
from upstream import DOWN, EVENTS, PIECE

TRANSFERS = 3
"""Of each large body: the clock of CPU seconds has steps of 10 ms."""

Figures = dict[str, float]
AUTH = f"Authorization: Bearer {TOKEN}"


def requests(connections: int, seconds: float) -> Callable[[Contestant], Figures]:
    """Small requests by `wrk`: a second, and CPU seconds for 10,000 of them."""

    def load(proxy: Contestant) -> Figures:
        before = proxy.cpu()
        said = subprocess.run(
            [
                *("taskset", "-c", "0", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"),
                *("-H", AUTH, f"http://127.0.0.1:{proxy.port}{PREFIX}/json"),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "Non-2xx" not in said, said
        count, rate = re.search(r"(\d+) requests in", said), re.search(r"sec:\s+([\d.]+)", said)
        assert count is not None
        assert rate is not None
        return {
            f"rps c{connections}": float(rate[1]),
            f"CPU s/10k c{connections}": (proxy.cpu() - before) / int(count[1]) * 1e4,
        }

    return load


def streams(proxy: Contestant) -> Figures:
    """Server-sent events on 16 connections: a second, and CPU seconds for 100,000 of them."""

    async def one() -> None:
        reader, writer = await _open(proxy, "/stream")
        await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(16)))

    count = 16 * EVENTS
    seconds, cpu = _measured(proxy, lambda: asyncio.run(all_of_them()))
    return {"events/s": count / seconds, "CPU s/100k events": cpu / count * 1e5}


def sockets(proxy: Contestant) -> Figures:
    """Small messages to and fro on 64 upgraded connections: round trips a second."""
    trips = 200

    async def one() -> None:
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        reader, writer = await _open(proxy, "/ws", upgrade)
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(trips):
            writer.write(b"\x81\x85\0\0\0\0hello")
            await reader.readexactly(11)
        writer.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(64)))

    seconds, _ = _measured(proxy, lambda: asyncio.run(all_of_them()))
    return {"WebSocket rtt/s c64": 64 * trips / seconds}


def bodies(proxy: Contestant) -> Figures:
    """100 MB down and 100 MB up, some times: MB a second, and CPU seconds for 1 GB."""
    total = DOWN * TRANSFERS
    figures = {}
    for way, transfer in (("down", _download), ("up", _upload)):
        seconds, cpu = _measured(proxy, partial(_repeat, TRANSFERS, partial(transfer, proxy)))
        figures[f"MB/s {way}"] = total / 1e6 / seconds
        figures[f"CPU s/GB {way}"] = cpu / total * 1e9
    return figures


def _repeat(times: int, work: Callable[[], None]) -> None:
    for _ in range(times):
        work()


def _download(proxy: Contestant) -> None:
    # Plain sockets: asyncio's streams copy so much that they, not the proxy, would be measured.
    buffer, size = bytearray(1 << 20), 0
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(_head("GET", "/down", "Connection: close\r\n"))
        while piece := connection.recv_into(buffer):
            size += piece
    assert size > DOWN


def _upload(proxy: Contestant) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(_head("POST", "/up", f"Content-Length: {DOWN}\r\n"))
        for _ in range(DOWN // len(PIECE)):
            connection.sendall(PIECE)
        reply = b""
        while not reply.endswith(b"ok"):
            reply += connection.recv(65536)


def _measured(proxy: Contestant, load: Callable[[], None]) -> tuple[float, float]:
    """Seconds, and CPU seconds of the proxy."""
    cpu, begun = proxy.cpu(), time.perf_counter()
    load()
    return time.perf_counter() - begun, proxy.cpu() - cpu


async def _open(
    proxy: Contestant, path: str, lines: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=1 << 20)
    writer.write(_head("GET", path, lines))
    return reader, writer


def _head(method: str, path: str, lines: str) -> bytes:
    return f"{method} {PREFIX}{path} HTTP/1.1\r\nHost: a\r\n{AUTH}\r\n{lines}\r\n".encode()
