"""A machine behind ssh, a replica on it, a proxy's table, and the process under test."""

import socketserver
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.tunnels.key import load_or_create
from perdure.data_dir import DataDir
from tests.hosts.tunnels.running import Echo, FakeProxy, TunnelsProcess
from tests.hosts.tunnels.sshd import Sshd


@pytest.fixture
def data() -> Iterator[DataDir]:
    """With a space and a percent sign in its path, which ssh would read in ways of its own."""
    with tempfile.TemporaryDirectory(prefix="perdure %t ") as folder:
        data = DataDir(Path(folder))
        data.create()
        yield data


@pytest.fixture
def sshd(tmp_path: Path, data: DataDir) -> Iterator[Sshd]:
    sshd = Sshd(tmp_path / "sshd")
    sshd.allow(load_or_create(data.keys / "tunnels"))
    sshd.start()
    yield sshd
    sshd.stop()


@pytest.fixture
def replica() -> Iterator[int]:
    """Its port."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(data: DataDir) -> Iterator[FakeProxy]:
    proxy = FakeProxy(data.proxy_socket)
    yield proxy
    proxy.stop()


@pytest.fixture
def tunnels(data: DataDir) -> Iterator[TunnelsProcess]:
    tunnels = TunnelsProcess(data)
    yield tunnels
    tunnels.stop()
    for each in tunnels.masters():
        each.kill()
