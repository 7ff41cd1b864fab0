"""A process says on its socket that it lives, whether it is ready, and what it counts."""

import asyncio
import json
import socket
from pathlib import Path

import pytest

from perdure.errors import CannotStart
from perdure.health import PORTS, Health, Readiness, ask, health_address
from perdure.settings import Settings
from tests.health import answers, told
from tests.ports import free_port


async def test_a_process_that_is_not_ready_yet_is_alive(tmp_path: Path) -> None:
    socket = tmp_path / "process.sock"
    async with Health(socket) as health:
        assert await answers(socket, "/healthz") == 200
        assert await answers(socket, "/startz") == 503
        assert await answers(socket, "/readyz") == 503
        health.started = True
        assert await answers(socket, "/startz") == 200
        assert await answers(socket, "/readyz") == 200
        assert socket.stat().st_mode & 0o777 == 0o600
    assert await answers(socket, "/healthz") == 0


async def test_what_is_missing_is_named_and_what_is_only_away_is_no_reason(tmp_path: Path) -> None:
    readiness = Readiness()
    path = tmp_path / "process.sock"

    async def look() -> Readiness:
        return readiness

    async with Health(path, look=look) as health:
        health.started = True
        readiness = Readiness(away={"api": "It does not answer."})
        assert await told(path, "/readyz") == (
            200,
            b'{"status": "ready", "away": {"api": "It does not answer."}}',
        )
        readiness = Readiness(missing={"store": "It does not answer."})
        status, body = await told(path, "/readyz")
        assert status == 503
        assert json.loads(body) == {
            "status": "not ready",
            "missing": {"store": "It does not answer."},
        }
        assert await answers(path, "/startz") == 200


async def test_all_that_is_needed_is_asked_at_once_and_what_has_a_problem_is_missing() -> None:
    both = asyncio.Barrier(2)

    async def well() -> str:
        await both.wait()
        return ""

    async def away() -> str:
        await both.wait()
        return "It does not answer."

    async with asyncio.timeout(10):
        readiness = await ask({"store": well, "temporal": away})
    assert readiness == Readiness(missing={"temporal": "It does not answer."})


async def test_a_dependency_that_hangs_is_told_within_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> Readiness:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("perdure.health.LOOK_SECONDS", 0.01)
    async with Health(tmp_path / "process.sock", look=hang) as health:
        health.started = True
        status, body = await told(tmp_path / "process.sock", "/readyz")
    assert (status, json.loads(body)["status"]) == (503, "not ready")


async def test_on_tcp_there_are_health_and_metrics_and_nothing_else(tmp_path: Path) -> None:
    async def metrics() -> bytes:
        return b"perdure_counted 1\n"

    address = ("127.0.0.1", free_port())
    pages = {"/private": lambda: b"{}"}
    made = Health(tmp_path / "p.sock", address=address, metrics=metrics, pages=pages)
    async with made:
        assert await told(address, "/metrics") == (200, b"perdure_counted 1\n")
        assert await answers(address, "/healthz") == 200
        assert await answers(tmp_path / "p.sock", "/private") == 200
        assert await answers(address, "/private") == 404
    assert await answers(address, "/healthz") == 0


async def test_a_port_in_use_is_told_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = ("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(CannotStart) as refused:
            await Health(None, address=address).__aenter__()
    assert str(address[1]) in refused.value.message
    assert "`PERDURE_HEALTH_PORT`" in refused.value.hint


def test_each_process_has_a_port_of_its_own_or_none_has() -> None:
    assert {health_address(Settings(), each) for each in PORTS} == {None}
    settings = Settings(health_port=9100)
    assert [health_address(settings, each) for each in PORTS] == [
        ("127.0.0.1", 9100 + number) for number in range(5)
    ]


async def test_a_socket_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    socket = tmp_path / "process.sock"
    socket.touch()
    async with Health(socket):
        assert await answers(socket, "/healthz") == 200
