"""What the proxies are put through. Each load returns figures by name."""

import asyncio
import re
import subprocess
import time
from collections.abc import Callable, Coroutine

from contestants import PREFIX, TOKEN, Contestant
from upstream import DOWN, EVENTS, PIECE

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
        reader, writer = await _open(proxy, "GET", "/stream")
        await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(16)))

    count = 16 * EVENTS
    seconds, cpu = _measured(proxy, all_of_them)
    return {"events/s": count / seconds, "CPU s/100k events": cpu / count * 1e5}


def sockets(proxy: Contestant) -> Figures:
    """Small messages to and fro on 64 upgraded connections: round trips a second."""
    trips = 200

    async def one() -> None:
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        reader, writer = await _open(proxy, "GET", "/ws", upgrade)
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(trips):
            writer.write(b"\x81\x85\0\0\0\0hello")
            await reader.readexactly(11)
        writer.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(64)))

    seconds, _ = _measured(proxy, all_of_them)
    return {"WebSocket rtt/s c64": 64 * trips / seconds}


def bodies(proxy: Contestant) -> Figures:
    """100 MB down, and 100 MB up: MB a second."""

    async def down() -> None:
        reader, writer = await _open(proxy, "GET", "/down")
        await reader.readuntil(b"\r\n\r\n")
        left = DOWN
        while left:
            left -= len(await reader.read(1 << 20))
        writer.close()

    async def up() -> None:
        reader, writer = await _open(proxy, "POST", "/up", f"Content-Length: {DOWN}\r\n")
        for _ in range(DOWN // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()
        await reader.readuntil(b"ok")
        writer.close()

    return {
        "MB/s down": DOWN / 1e6 / _measured(proxy, down)[0],
        "MB/s up": DOWN / 1e6 / _measured(proxy, up)[0],
    }


def _measured(
    proxy: Contestant, load: Callable[[], Coroutine[None, None, None]]
) -> tuple[float, float]:
    """Seconds, and CPU seconds of the proxy."""
    cpu, begun = proxy.cpu(), time.perf_counter()
    asyncio.run(load())
    return time.perf_counter() - begun, proxy.cpu() - cpu


async def _open(
    proxy: Contestant, method: str, path: str, lines: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=1 << 22)
    writer.write(f"{method} {PREFIX}{path} HTTP/1.1\r\nHost: a\r\n{AUTH}\r\n{lines}\r\n".encode())
    return reader, writer
