"""Sends every message back."""

import asyncio
import os

from websockets.asyncio.server import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    """Until the client leaves."""
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    """Until it is told to stop."""
    in_container = os.environ.get("DSTACK_REPO_DIR") == "/workflow"
    async with serve(echo, "0.0.0.0" if in_container else "127.0.0.1", 8030) as server:
        await server.serve_forever()


asyncio.run(main())
