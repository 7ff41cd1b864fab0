"""A replica's port is its own, for as long as it lives."""

import asyncio
import socket
from datetime import timedelta

import pytest

from hosts.process.runtime import ProcessRuntime
from perdure.errors import RuntimeUnsupported
from tests.hosts.process.conftest import MakeJob


async def test_a_port_on_which_anything_listens_is_refused(
    runtime: ProcessRuntime, job: MakeJob, port: int
) -> None:
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(RuntimeUnsupported, match=f"`port` {port} is in use"),
    ):
        await runtime.start(job("true"))
    await runtime.start(job("true"))


async def test_a_port_of_another_replica_is_refused_until_that_one_has_ended(
    runtime: ProcessRuntime, job: MakeJob, port: int
) -> None:
    await runtime.start(job("sleep 60", token="first"))
    with pytest.raises(RuntimeUnsupported, match=f"`port` {port} is in use.*another replica"):
        await runtime.start(job("true", token="second"))
    await runtime.stop("first", timedelta(seconds=10))
    await runtime.start(job("true", token="second"))


async def test_of_many_replicas_that_want_one_port_at_once_one_starts(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    starts = (runtime.start(job("sleep 60", token=f"r{number}")) for number in range(4))
    results = await asyncio.gather(*starts, return_exceptions=True)
    assert sum(isinstance(result, RuntimeUnsupported) for result in results) == 3
    assert len(await runtime.tokens()) == 1
