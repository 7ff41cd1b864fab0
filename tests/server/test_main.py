"""`python -m server`: the real supervisor, Temporal and holder; stand-ins for our other parts."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure.data_dir import DataDir
from server.main import main
from tests.server.conftest import ROOT
from tests.testbed.deadline import wait_until

PARTS = ("holder", "temporal", "worker", "api", "tunnels", "proxy")
# Keeps its environment for the test, and answers 200 on its unix socket.
STAND_IN = """
import http.server, json, os, socketserver, sys
from perdure.settings import Settings
data = Settings().data
(data.root / "NAME.env").write_text(json.dumps(dict(os.environ)))
(data.root / "NAME.args").write_text(json.dumps(sys.argv[1:]))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/startz", "/readyz", "/healthz") else 404)
        self.end_headers()
    def address_string(self):
        return "test"
path = data.sockets / "NAME.sock"
path.unlink(missing_ok=True)
socketserver.UnixStreamServer(str(path), Answer).serve_forever()
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    for name in ("worker", "api", "proxy", "hosts.tunnels"):
        file = folder / f"{name.replace('.', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(STAND_IN.replace("NAME", name.rpartition(".")[2]))
    (folder / "hosts" / "__init__.py").touch()
    (folder / "store").mkdir()
    (folder / "store" / "__init__.py").touch()
    (folder / "store" / "setup.py").write_text(
        STAND_IN.replace("NAME", "setup").partition("class Answer")[0]
    )
    return folder


class Installation:
    """A `perdure server` in a data directory of its own."""

    def __init__(self, folder: Path, modules: Path, port: int) -> None:
        self.data = DataDir(folder / "data")
        self.out = folder / "terminal"
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "XDG_RUNTIME_DIR")},
            "PYTHONPATH": f"{modules}:{ROOT}",
            "PERDURE_DATA_DIR": str(self.data.root),
            "PERDURE_PORT": str(port),
            "PERDURE_UI_PORT": "0",
            "PERDURE_ADMIN_TOKEN": "s3cret",
            "PERDURE_DATABASE_URL": "postgresql+asyncpg://me:passw0rd@db/perdure",
            "TEMPORAL_ADDRESS": "elsewhere.example:7233",
            "TEMPORAL_API_KEY": "s3cret-too",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> "subprocess.Popen[bytes]":
        self.out.write_bytes(b"")
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "server"],
                env=self.environment | environment,
                stdout=out,
                stderr=out,
            )
        return self.process

    def start_ready(self) -> "subprocess.Popen[bytes]":
        process = self.start()
        wait_until(lambda: "perdure is ready" in self.said() or process.poll() is not None)
        assert process.poll() is None, self.said()
        return process

    def said(self) -> str:
        return self.out.read_text()

    def pid(self, name: str) -> int:
        return int((self.data.run / f"{name}.pid").read_text().split()[0])

    def environment_of(self, name: str) -> dict[str, str]:
        wait_until((self.data.root / f"{name}.args").exists)  # written after the other
        seen: dict[str, str] = json.loads((self.data.root / f"{name}.env").read_text())
        return seen


@pytest.fixture
def installation(tmp_path: Path, modules: Path, free_port: int) -> Iterator[Installation]:
    made = Installation(tmp_path, modules, free_port)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.terminate()
        made.process.wait()


def test_one_command_brings_up_everything_and_takes_it_down(
    installation: Installation, free_port: int
) -> None:
    process = installation.start_ready()
    (line,) = (line for line in installation.said().splitlines() if "perdure is ready" in line)
    assert f"http://localhost:{free_port}" in line
    assert (
        f"Temporal UI http://localhost:{installation.environment_of('api')['PERDURE_UI_PORT']}/ "
        in line
    )
    assert str(installation.data.admin_token) in line
    pids = [installation.pid(name) for name in PARTS]
    process.send_signal(signal.SIGINT)
    assert process.wait() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_database_of_temporal_that_was_lost_is_told(installation: Installation) -> None:
    installation.start_ready()
    assert "is missing" not in installation.said()
    installation.data.server_id.write_text("what the set-up leaves")
    assert installation.process is not None
    installation.process.terminate()
    installation.process.wait()
    for file in installation.data.root.glob("temporal.db*"):
        file.unlink()
    installation.start_ready()
    assert f"`{installation.data.temporal_database}` is missing" in installation.said()


def test_the_parts_get_this_temporal_and_only_the_set_up_gets_the_token(
    installation: Installation,
) -> None:
    installation.start_ready()
    for name in ("worker", "api", "proxy", "tunnels"):
        seen = installation.environment_of(name)
        assert seen["TEMPORAL_ADDRESS"].startswith("127.0.0.1:")
        assert seen["PERDURE_DATA_DIR"] == str(installation.data.root)
        assert seen["PERDURE_TEMPORAL_UI"].startswith("http://127.0.0.1:")
        assert seen["PERDURE_UI_PORT"] not in (seen["PERDURE_TEMPORAL_UI"].rpartition(":")[2], "0")
        assert not [value for value in seen.values() if "s3cret" in value]
    assert installation.environment_of("setup")["PERDURE_ADMIN_TOKEN"] == "s3cret"
    url = installation.environment["PERDURE_DATABASE_URL"]
    for name in ("setup", "worker", "api"):
        assert installation.environment_of(name)["PERDURE_DATABASE_URL"] == url
    for name in ("proxy", "tunnels"):
        assert not [value for value in installation.environment_of(name).values() if "0rd" in value]
    proxy = json.loads((installation.data.root / "proxy.args").read_text())
    assert proxy[0] == "--listen-fd"
    assert proxy[1].isdigit()


def test_a_killed_supervisor_finds_everything_again(installation: Installation) -> None:
    process = installation.start_ready()
    pids = {name: installation.pid(name) for name in PARTS}
    process.kill()
    process.wait()
    installation.start_ready()
    assert {name: installation.pid(name) for name in PARTS} == pids


def test_a_data_directory_in_use_is_refused_with_its_user(installation: Installation) -> None:
    first = installation.start_ready()
    second = installation.start()
    assert second.wait() == 1
    assert f"error: Another `perdure server` (pid {first.pid})" in installation.said()
    assert "hint: Use that one" in installation.said()
    installation.process = first


def test_a_data_directory_that_cannot_be_is_refused(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    process = installation.start(PERDURE_DATA_DIR=str(tmp_path / "file" / "data"))
    assert process.wait() == 1
    assert "error: The data directory cannot be used" in installation.said()
    assert "PERDURE_DATA_DIR" in installation.said()
    assert "Traceback" not in installation.said()


def test_a_setting_that_cannot_be_is_refused_by_its_name(installation: Installation) -> None:
    assert installation.start(PERDURE_PORT="many").wait() == 1
    assert "error: `PERDURE_PORT` cannot be used" in installation.said()
    assert "Traceback" not in installation.said()


def test_a_full_disk_is_told_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = shutil.disk_usage("/")._replace(free=5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    monkeypatch.setenv("PERDURE_DATA_DIR", str(tmp_path / "data"))
    assert main() == 1
    assert "is full: 5 MB are free, 256 MB are needed" in capsys.readouterr().err
