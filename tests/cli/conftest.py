"""The command line, run in this process against a fake server, with a home of its own."""

import io
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.main import main
from tests.cli.fake_api import serving
from tests.cli.fake_server import TOKEN, FakeServer

SERVER_VARIABLES = (
    *("PERDURE_PROJECT", "PERDURE_URL", "PERDURE_TOKEN", "PERDURE_CONFIG"),
    *("DSTACK_PROJECT", "DSTACK_TOKEN"),
)

SERVICE = """\
type: service
name: llm
port: 8000
commands: [python -m http.server 8000]
resources:
  gpu: 24GB
"""


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Perdure = Callable[..., Said]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the real user's reaches a test."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in SERVER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this machine into another time zone, for the test."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def service(workplace: Path) -> Path:
    """The file of a service, where the test stands."""
    file = workplace / "service.dstack.yml"
    file.write_text(SERVICE)
    return file


@pytest.fixture(scope="session")
def served() -> Iterator[FakeServer]:
    with serving(FakeServer()) as fake:
        yield fake


@pytest.fixture
def server(served: FakeServer, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    served.forget()
    monkeypatch.setenv("PERDURE_URL", served.url)
    monkeypatch.setenv("PERDURE_TOKEN", TOKEN)
    return served


@pytest.fixture
def perdure(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Perdure:
    def call(*arguments: str, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["perdure", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfdbinary.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Said(code, said.out.decode(), said.err.decode())

    return call
