"""Whether a part is ready: it accepts connections, or answers 200."""

import asyncio
from pathlib import Path

from server.part import Probe

PATIENCE = 2.0  # seconds for one answer


def accepts(host: str, port: int) -> Probe:
    """A probe that is content when a TCP connection is accepted."""

    async def probe() -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    return probe


def answers(socket: Path, path: str) -> Probe:
    """A probe that is content when `GET path` on a unix socket is answered with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()

    async def probe() -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_unix_connection(socket)
                try:
                    writer.write(request)
                    status = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
        return status.split(b" ")[1:2] == [b"200"]

    return probe
