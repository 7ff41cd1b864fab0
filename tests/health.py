"""What a process says of itself on its socket, or its port."""

import asyncio
import contextlib
from pathlib import Path


async def told(where: Path | tuple[str, int], path: str) -> tuple[int, bytes]:
    """The status at `path`, 0 when nobody answers; and the body."""
    with contextlib.suppress(OSError):
        if isinstance(where, Path):
            reader, writer = await asyncio.open_unix_connection(where)
        else:
            reader, writer = await asyncio.open_connection(*where)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: process\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return (int(head.split(b" ", 2)[1]), body) if answer else (0, b"")
    return 0, b""


async def answers(where: Path | tuple[str, int], path: str) -> int:
    """The status at `path`; 0 when nobody answers."""
    return (await told(where, path))[0]
