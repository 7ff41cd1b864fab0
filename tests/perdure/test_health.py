"""A process says on its socket that it lives, and whether it is ready."""

from pathlib import Path

from perdure.health import Health
from tests.health import answers


async def test_a_process_that_is_not_ready_yet_is_alive(tmp_path: Path) -> None:
    socket = tmp_path / "process.sock"
    async with Health(socket) as health:
        assert await answers(socket, "/healthz") == 200
        assert await answers(socket, "/readyz") == 503
        health.ready = True
        assert await answers(socket, "/readyz") == 200
        assert socket.stat().st_mode & 0o777 == 0o600
    assert await answers(socket, "/healthz") == 0


async def test_a_socket_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    socket = tmp_path / "process.sock"
    socket.touch()
    async with Health(socket):
        assert await answers(socket, "/healthz") == 200
