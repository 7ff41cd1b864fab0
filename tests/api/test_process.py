import asyncio
import os
import shutil
import signal
import socket
import stat
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from api.process import run
from engine.converter import PublicCodec
from engine.ids import SEARCH_ATTRIBUTES
from engine.plugin import plugin
from engine.runs import Runs
from perdure.settings import Settings
from store.store import Store
from tests.api.conftest import client_of
from tests.ports import free_port
from tests.store.conftest import TOKEN

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0


@asynccontextmanager
async def api_process(settings: Settings, **variables: str) -> AsyncIterator[Process]:
    environment = os.environ | variables | {"PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api"),
        env=environment | {"PERDURE_DATA_DIR": str(settings.data_dir)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answering(client: httpx.AsyncClient, url: str) -> httpx.Response:
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                return await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)


def refused_head(host: str, port: int) -> bytes:
    """The first line of the answer to a head that does not end.

    The server closes with bytes unread, so a reset may follow its answer at once. A plain socket
    still has what came before that; a stream of asyncio has forgotten it.
    """
    with socket.create_connection((host, port), timeout=DEADLINE) as connection:
        with suppress(ConnectionError):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            for _ in range(64):
                connection.sendall(b"X: " + b"a" * 8192 + b"\r\n")
        return connection.makefile("rb").readline().strip()


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """The addresses of a real server, and of its web UI."""
    ui_port = free_port()
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=shutil.which("temporal", path=str(Path(sys.executable).parent)),
        dev_server_database_filename=str(tmp_path / "temporal.db"),
        dev_server_log_level="error",
        search_attributes=SEARCH_ATTRIBUTES,
        ui=True,
        ui_port=ui_port,
    ) as environment:
        target = environment.client.service_client.config.target_host
        yield target, f"http://127.0.0.1:{ui_port}"


async def test_process_serves_all_its_addresses_until_it_is_told_to_stop(
    settings: Settings, temporal: tuple[str, str]
) -> None:
    target, web = temporal
    ui = free_port()
    variables = {
        "TEMPORAL_ADDRESS": target,
        "PERDURE_TEMPORAL_UI": web,
        "PERDURE_UI_PORT": str(ui),
    }
    key = settings.data.internal_key.read_text()
    async with (
        api_process(settings, **variables) as process,
        client_of(settings, TOKEN) as client,
        httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                uds=str(settings.data.internal_socket), verify=False
            ),
            headers={"Authorization": f"Bearer {key}"},
            timeout=DEADLINE,
        ) as proxy,
        httpx.AsyncClient(base_url=f"http://localhost:{ui}", timeout=DEADLINE) as browser,
    ):
        assert (await answering(client, "http://api/readyz")).status_code == 200
        assert (await client.get("/projects/main/runs", params={"all": "true"})).json() == []
        for path in (settings.data.api_socket, settings.data.internal_socket):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        own = {"Origin": f"http://localhost:{ui}"}
        await answering(browser, "/sign-in")
        assert await asyncio.to_thread(refused_head, "localhost", ui) == b"HTTP/1.1 400 Bad Request"
        await browser.post("/sign-in", data={"token": TOKEN}, headers=own)
        assert "<html" in (await browser.get("/", follow_redirects=True)).text

        first = (await answering(proxy, "http://internal/internal/v1/feed")).json()["seq"]
        asked = asyncio.Event()

        async def trace(name: str, _: object) -> None:
            if name == "http11.receive_response_headers.started":
                asked.set()

        waiting = asyncio.create_task(
            proxy.get(
                "http://internal/internal/v1/feed",
                params={"after": first},
                extensions={"trace": trace},
            )
        )
        await asyncio.wait_for(asked.wait(), DEADLINE)
        process.send_signal(signal.SIGTERM)
        assert (await waiting).json()["seq"] == first
        _, said = await asyncio.wait_for(process.communicate(), DEADLINE)
        assert process.returncode == 0
        assert b"Traceback" not in said


async def test_process_ends_when_a_task_of_it_dies(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connected(codec: PublicCodec, seconds: float) -> Client:
        """Nobody asks Temporal."""
        return await Client.connect("127.0.0.1:1", plugins=[plugin(codec)], lazy=True)

    async def dying(store: Store, runs: Runs) -> None:
        raise RuntimeError("nobody expected this")

    # What measures a whole process would go on doing so in this one.
    monkeypatch.setattr("api.process.measured", nullcontext)
    monkeypatch.setattr("api.health.REGISTRY", CollectorRegistry())
    monkeypatch.setattr("api.process.connect_when_there", connected)
    monkeypatch.setattr("api.process.sweep", dying)
    with pytest.raises(RuntimeError, match="nobody expected this"):
        await asyncio.wait_for(run(settings), DEADLINE)


async def test_process_without_a_set_up_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "nothing")
    async with api_process(settings, PERDURE_READY_TIMEOUT="0.1") as process:
        _, said = await asyncio.wait_for(process.communicate(), DEADLINE)
    assert process.returncode == 1
    waited, told = said.decode().splitlines()[:2]
    assert "Waiting for the set-up of the store" in waited
    assert "for at most 0.1 s" in waited
    assert told.startswith("error: The store `")
    assert "was not set up within 0.1 s" in told
    assert b"Traceback" not in said
