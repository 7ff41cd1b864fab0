"""A replica is ready when its own port answers, and with a model when that is listed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.readiness import Readinesses
from backends.local import LocalBackend
from spec.deeds import Instance, Readiness, ReadyOrder
from spec.job import Job, JobLabels, JobPhase
from store.store import Store
from tests.workflows.runtime import SocketRuntime

INSTANCE = Instance(token="t-1", backend="local")
JOB = Job(
    token="t-1",
    labels=JobLabels(server="s", project="main", run="web", replica="r0"),
    port=8000,
)


@asynccontextmanager
async def http_server(*statuses: int) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers with these statuses in turn, then with the last one; its address and the paths."""
    left, paths = list(statuses), list[str]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        paths.append(head.decode().split(" ", 2)[1])
        status = left.pop(0) if len(left) > 1 else left[0]
        writer.write(b"HTTP/1.1 %d x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"tcp://{host}:{port}", paths


HOUR = 3600.0


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"tcp://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
async def readinesses(store: Store, runtime: SocketRuntime) -> Readinesses:
    await runtime.start(JOB)
    return Readinesses({"local": LocalBackend(runtime, store.gpus)}, limit=HOUR)


def order(address: str, model_path: str | None = None) -> ReadyOrder:
    return ReadyOrder(instance=INSTANCE, address=address, port=8000, model_path=model_path)


async def test_an_open_port_is_ready(
    environment: ActivityEnvironment, readinesses: Readinesses, runtime: SocketRuntime
) -> None:
    address = runtime.containers["t-1"].state.address
    assert await environment.run(readinesses.wait_ready, order(address)) == Readiness()


async def test_a_model_is_ready_when_its_list_answers_200(
    environment: ActivityEnvironment, readinesses: Readinesses
) -> None:
    async with http_server(503, 404, 200) as (address, paths):
        asked = order(address, "/v1/models")
        assert await environment.run(readinesses.wait_ready, asked) == Readiness()
    assert paths == ["/v1/models"] * 3


@pytest.mark.parametrize(
    ("path", "message"),
    [(None, "the port 8000 is closed"), ("/v1/models", "`/v1/models` did not answer")],
)
async def test_what_never_answers_is_not_ready_in_time_over_all_attempts(
    environment: ActivityEnvironment, readinesses: Readinesses, path: str | None, message: str
) -> None:
    begun = {"since": datetime.now(UTC) - timedelta(seconds=HOUR)}
    asked = order(closed_port(), path).model_copy(update=begun)
    with pytest.raises(ApplicationError, match=f"After 3600 s .*{message}") as caught:
        await environment.run(readinesses.wait_ready, asked)
    assert (caught.value.type, caught.value.non_retryable) == ("NotReadyInTime", True)


async def test_an_order_of_an_older_version_counts_from_its_attempt(
    environment: ActivityEnvironment, store: Store, runtime: SocketRuntime
) -> None:
    await runtime.start(JOB)
    hasty = Readinesses({"local": LocalBackend(runtime, store.gpus)}, limit=0)
    with pytest.raises(ApplicationError, match="is closed"):
        await environment.run(hasty.wait_ready, order(closed_port()))


async def test_what_ends_before_it_answers_is_told_with_its_exit_code(
    environment: ActivityEnvironment, readinesses: Readinesses, runtime: SocketRuntime
) -> None:
    runtime.containers["t-1"].end(3)
    found = await environment.run(readinesses.wait_ready, order(closed_port()))
    assert found.ended is not None
    assert (found.ended.phase, found.ended.exit_code) == (JobPhase.EXITED, 3)
