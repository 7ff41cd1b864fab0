"""A proxy process, its route file, and what it says of itself."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil

from spec.feed import ProxyStats
from spec.route import ModelRoute, ReplicaRoute, RouteFile, RouteState, RouteTable, TokenGrant
from tests.ports import free_port
from tests.proxy.wire import Client
from tests.testbed.deadline import eventually

TOKENS: tuple[TokenGrant, ...] = (
    TokenGrant(sha256=sha256(b"good").hexdigest(), projects=("main",)),
    TokenGrant(sha256=sha256(b"other").hexdigest(), projects=("elsewhere",)),
)
AUTH = "Authorization: Bearer good\r\n"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "proxy", *arguments]


class ProxyProcess:
    """`python -m proxy …` on free ports, ready."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        listen_fd: int | None = None,
        manage: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port, self.manage_port = free_port(), free_port()
        self.log = folder / "log"
        where = ("--listen", f"127.0.0.1:{self.port}")
        if listen_fd is not None:
            where = ("--listen-fd", str(listen_fd))
        managed = ("--manage", manage or f"127.0.0.1:{self.manage_port}")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command("--data-dir", str(folder), *where, *managed, *arguments),
                pass_fds=() if listen_fd is None else (listen_fd,),
                stderr=log,
                env={**os.environ, **(environment or {})},
            )
        self._manage_path = Path(manage.removeprefix("unix://")) if manage else None
        self.manage = httpx.Client(
            base_url=f"http://127.0.0.1:{self.manage_port}",
            transport=httpx.HTTPTransport(uds=manage.removeprefix("unix://") or None, verify=False),
        )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 20
        while not self.is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def is_ready(self) -> bool:
        if self._manage_path and not self._manage_path.exists():
            return False
        try:
            return self.manage.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.manage.close()
        self.process.terminate()
        return self.process.wait(20)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stats(self) -> ProxyStats:
        return ProxyStats.model_validate(self.manage.get("/stats").json())

    @property
    def in_flight(self) -> int:
        return sum(self.stats().in_flight.values())

    @property
    def memory(self) -> int:
        """Resident bytes."""
        resident: int = psutil.Process(self.process.pid).memory_info().rss
        return resident

    async def connect(self) -> Client:
        return Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=2**20))

    def url(self, name: str, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}/proxy/services/main/{name}{path}"


class RunningProxy(ProxyProcess):
    """With a route file of its own."""

    def __init__(
        self, folder: Path, *arguments: str, listen_fd: int | None = None, manage: str = ""
    ) -> None:
        self.file = folder / "routes.json"
        self.routes: dict[str, RouteTable] = {}
        self.tokens = TOKENS
        self._names = (f"run-{number}" for number in count())
        self._write()
        self.tunnels = folder / "tunnels"
        fixed = ("--routes", str(self.file), "--tunnels", str(self.tunnels), *arguments)
        super().__init__(folder, *fixed, listen_fd=listen_fd, manage=manage)
        self.wait_until_ready()

    async def publish(self, *addresses: str, **fields: Any) -> str:
        """A run with replicas at these addresses; its name."""
        name: str = fields.pop("run", None) or next(self._names)
        model = fields.pop("model", None)
        replicas = tuple(
            ReplicaRoute(id=f"{name}/r{number}", address=address)
            for number, address in enumerate(addresses)
        )
        known = self.routes.get(name)
        self.routes[name] = RouteTable(
            project=fields.pop("project", "main"),
            run=name,
            version=known.version + 1 if known else 1,
            replicas=replicas,
            model=ModelRoute(name=model) if model else None,
            **fields,
        )
        await self._publish()
        return name

    async def drain(self, name: str, number: int = 0) -> None:
        """Mark one replica of the run as draining."""
        table = self.routes[name]
        replicas = list(table.replicas)
        replicas[number] = replicas[number].model_copy(update={"state": RouteState.DRAINING})
        update = {"replicas": tuple(replicas), "version": table.version + 1}
        self.routes[name] = table.model_copy(update=update)
        await self._publish()

    async def remove(self, name: str) -> None:
        """The run is over."""
        del self.routes[name]
        await self._publish()

    @asynccontextmanager
    async def token(self, token: str, *projects: str) -> AsyncIterator[None]:
        """A token that is good for this long."""
        grant = TokenGrant(
            sha256=sha256(token.encode()).hexdigest(), projects=projects or ("main",)
        )
        self.tokens = (*TOKENS, grant)
        await self.publish(run="marker")
        yield
        self.tokens = TOKENS
        await self.publish(run="marker")

    async def _publish(self) -> None:
        self._write()
        self.signal(signal.SIGHUP)
        wanted = {f"{table.project}/{name}": table.version for name, table in self.routes.items()}
        await eventually(
            lambda: wanted == {name: mark.version for name, mark in self.stats().tables.items()}
        )

    def _write(self) -> None:
        file = RouteFile(tokens=self.tokens, routes=tuple(self.routes.values()))
        fresh = self.file.with_suffix(".new")
        fresh.write_text(file.model_dump_json())
        fresh.rename(self.file)


def head(
    name: str, *lines: str, method: str = "GET", path: str = "/", version: str = "1.1"
) -> bytes:
    """The head of an authorised request to a service."""
    fields = "".join(f"{line}\r\n" for line in lines)
    target = f"/proxy/services/main/{name}{path}"
    return f"{method} {target} HTTP/{version}\r\nHost: front.test\r\n{AUTH}{fields}\r\n".encode()
