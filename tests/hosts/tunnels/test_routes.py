"""What is asked of the proxy, and what it means."""

import pytest

from hosts.tunnels.address import tunnel
from hosts.tunnels.routes import Routes
from perdure.data_dir import DataDir
from tests.hosts.tunnels.running import FakeProxy

ADDRESS = "ssh://perdure@10.0.0.7:22#ssh-ed25519 AAAA/172.30.0.9:8000"


async def test_the_tunnels_are_those_of_the_table(data: DataDir, proxy: FakeProxy) -> None:
    proxy.addresses = (ADDRESS, "tcp://172.30.0.7:8000")
    async with Routes(data.proxy_socket) as routes:
        assert await routes.wanted() == frozenset({tunnel(ADDRESS)})
        proxy.addresses = ("tcp://172.30.0.7:8000",)
        assert await routes.wanted() == frozenset()


async def test_a_proxy_that_cannot_say_is_not_one_that_wants_nothing(
    data: DataDir, caplog: pytest.LogCaptureFixture
) -> None:
    async with Routes(data.proxy_socket) as routes:
        assert await routes.wanted() is None
        assert await routes.wanted() is None
        assert len(caplog.records) == 1
        proxy = FakeProxy(data.proxy_socket)
        try:
            assert await routes.wanted() == frozenset()
        finally:
            proxy.stop()


async def test_an_answer_of_another_form_is_no_answer(
    data: DataDir, proxy: FakeProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "body", lambda: b'{"routes": "ssh://"}')
    async with Routes(data.proxy_socket) as routes:
        assert await routes.wanted() is None
