"""A process's health: `/healthz` (alive), `/startz`, `/readyz`, `/metrics`, and pages of its own.

On a unix socket in the data directory, and on a TCP port where the settings ask for one. The front
door leads to none of them; what the API tells there of its own is in `api.app`.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType

from perdure.errors import CannotStart
from perdure.settings import Settings

HEAD_LIMIT = 16_384  # bytes
PATIENCE = 5.0  # seconds for a request
LOOK_SECONDS = 3.0  # in which a process must know what it needs and does not have
BROKEN = (
    *(OSError, TimeoutError, IndexError),
    *(asyncio.IncompleteReadError, asyncio.LimitOverrunError),
)
PORTS = ("server", "api", "worker", "proxy", "tunnels")
"""The processes, in the order of their ports from `PERDURE_HEALTH_PORT` on."""

JSON = "application/json"
TEXT = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus's

Page = Callable[[], bytes]
"""A JSON document, made when it is asked for."""
Address = tuple[str, int]
Answer = tuple[int, str, bytes]
"""Status, content type and body."""


@dataclass(frozen=True)
class Readiness:
    """By what is needed, what is wrong with it. `missing`: there is no work without it.

    `away`: the work goes on, with what is known.
    """

    missing: Mapping[str, str] = field(default_factory=dict)
    away: Mapping[str, str] = field(default_factory=dict)

    def summary(self) -> tuple[int, str]:
        """The status of `/readyz`, and its word."""
        return (503, "not ready") if self.missing else (200, "ready")

    def answer(self) -> tuple[int, bytes]:
        """The status of `/readyz`, and its JSON."""
        status, word = self.summary()
        told: dict[str, object] = {"status": word}
        told |= {"missing": dict(self.missing)} if self.missing else {}
        told |= {"away": dict(self.away)} if self.away else {}
        return status, json.dumps(told, ensure_ascii=False).encode()


Look = Callable[[], Awaitable[Readiness]]
Need = Callable[[], Awaitable[str]]
"""Asks what is needed, and tells what is wrong with it; nothing when all is well."""
Metrics = Callable[[], Awaitable[bytes]]
"""All metrics, in Prometheus's text format."""


async def ask(needs: Mapping[str, Need]) -> Readiness:
    """Ask all at once what is wrong with them; each that has an answer is missing."""
    problems = await asyncio.gather(*(need() for need in needs.values()))
    told = zip(needs, problems, strict=True)
    return Readiness({name: problem for name, problem in told if problem})


async def in_time(look: Look) -> Readiness:
    """What a look finds; what hangs, and is not named, is missing after `LOOK_SECONDS`."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await look()
    except TimeoutError:
        return Readiness(missing={"look": "What is needed does not answer in time."})


async def nothing_missing() -> Readiness:
    """Of a process that needs nobody."""
    return Readiness()


async def no_metrics() -> bytes:
    """Of a process that counts nothing."""
    return b""


def health_address(settings: Settings, process: str) -> Address | None:
    """Where this process's health is on TCP; None: nowhere."""
    if not settings.health_port:
        return None
    return settings.health_host, settings.health_port + PORTS.index(process)


class Health:
    """Answers while it is entered; `started` is what `/startz` tells, and a condition of `/readyz`.

    Small, so that it answers also when nothing else does.
    """

    def __init__(
        self,
        socket: Path | None,
        *,
        address: Address | None = None,
        look: Look = nothing_missing,
        metrics: Metrics = no_metrics,
        pages: Mapping[str, Page] = MappingProxyType({}),
    ) -> None:
        """`pages` are for the socket alone."""
        self.started = False
        self._socket = socket
        self._address = address
        self._look = look
        self._metrics = metrics
        self._pages = {path.encode(): page for path, page in pages.items()}
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> "Health":
        """Raise `CannotStart` when it cannot listen."""
        if self._address is not None:
            self._servers.append(await self._listening(*self._address))
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
            self._servers.append(
                await asyncio.start_unix_server(self._private, self._socket, limit=HEAD_LIMIT)
            )
            self._socket.chmod(0o600)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.close()
        for server in self._servers:
            await server.wait_closed()

    async def _listening(self, host: str, port: int) -> asyncio.Server:
        try:
            return await asyncio.start_server(self._public, host, port, limit=HEAD_LIMIT)
        except OSError as error:
            raise CannotStart(
                f"The port {port} of {host}, for health and metrics, cannot be listened on: "
                f"{(error.strerror or str(error)).lower()}.",
                hint="Choose others by `PERDURE_HEALTH_HOST` and `PERDURE_HEALTH_PORT`.",
            ) from error

    async def _public(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer(reader, writer, {})

    async def _private(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer(reader, writer, self._pages)

    async def _answer(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pages: Mapping[bytes, Page],
    ) -> None:
        with contextlib.suppress(*BROKEN):
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].partition(b"?")[0]
                page = pages.get(path)
                status, kind, body = (200, JSON, page()) if page else await self.page(path)
                writer.write(
                    b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n"
                    b"connection: close\r\n\r\n%s"
                    % (status, REASONS[status], kind.encode(), len(body), body)
                )
                await writer.drain()
        writer.close()

    async def page(self, path: bytes) -> Answer:
        """What every process tells of itself at this path, also for another server of it."""
        match path:
            case b"/healthz":
                return 200, JSON, b'{"status": "ok"}'
            case b"/readyz":
                return await self._readiness()
            case b"/startz":
                return (200, JSON, b'{"status": "started"}') if self.started else STARTING
            case b"/metrics":
                return 200, TEXT, await self._metrics()
        return 404, JSON, b'{"detail": "Nothing is here.", "code": "not_found"}'

    async def _readiness(self) -> Answer:
        if not self.started:
            return STARTING
        status, body = (await in_time(self._look)).answer()
        return status, JSON, body


STARTING = (503, JSON, b'{"status": "starting"}')
REASONS = {200: b"OK", 404: b"Not Found", 503: b"Service Unavailable"}
