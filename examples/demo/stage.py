"""Where the demo takes place: a server's folder, its ports, the service that is shown on it."""

import contextlib
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml
from screen import DemoFailed, say

PERDURE = (sys.executable, "-P", "-m", "perdure")


@dataclass(frozen=True)
class Stage:
    """A server's folder and its ports, and the service that is shown on it."""

    folder: Path
    example: Path
    port: int
    ui_port: int

    @property
    def service(self) -> dict[str, Any]:
        """The service file's content."""
        content: dict[str, Any] = yaml.safe_load((self.example / ".dstack.yml").read_text())
        return content

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.service["name"])

    @property
    def url(self) -> str:
        """The front door."""
        return f"http://localhost:{self.port}"

    @property
    def client_file(self) -> Path:
        """Where `perdure` finds this server."""
        return self.folder / "config.yml"

    @property
    def token_file(self) -> Path:
        """The admin's token."""
        return self.folder / "server" / "admin.token"

    @property
    def environment(self) -> dict[str, str]:
        """That of the server and of all commands."""
        ours = {
            "PERDURE_DATA_DIR": str(self.folder / "server"),
            "PERDURE_CONFIG": str(self.client_file),
            "PERDURE_PORT": str(self.port),
            "PERDURE_UI_PORT": str(self.ui_port),
            "PERDURE_RUNTIME": "process",
        }
        not_ours = ("PERDURE_URL", "PERDURE_TOKEN", "PERDURE_PROJECT")
        return {n: value for n, value in os.environ.items() if n not in not_ours} | ours

    def perdure(self, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[bytes]":
        """Run a command to its end, from the example's folder."""
        return subprocess.run(
            [*PERDURE, *arguments],
            env=self.environment,
            cwd=self.example,
            check=False,
            **options,
        )

    def typed(self, *arguments: str) -> int:
        """The same as a person would do it, who sees it; its exit code."""
        say(f"$ perdure {shlex.join(arguments)}")
        return self.perdure(*arguments).returncode


def way_here(stage: Stage) -> Iterator[str]:
    """What to type before any of the commands, from the folder that we were started in."""
    activate = Path(sys.executable).parent / "activate"
    if activate.exists():
        yield shlex.join(("source", near(activate)))
    yield f"export PERDURE_CONFIG={shlex.quote(str(stage.client_file))}"
    yield shlex.join(("cd", near(stage.example)))


def near(path: Path) -> str:
    """The path from the current folder, where it is below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def refuse_taken_port(stage: Stage) -> None:
    """Plain processes share this machine's ports. Raises `DemoFailed` with whose the port is."""
    port = stage.service["port"]
    for each in psutil.net_connections("tcp"):
        if each.status == psutil.CONN_LISTEN and each.laddr.port == port:
            whose = "another program"
            with contextlib.suppress(psutil.Error):
                whose = f"`{shlex.join(psutil.Process(each.pid).cmdline())}` (pid {each.pid})"
            raise DemoFailed(
                f"port {port}, which the service listens on, is in use by {whose}. "
                "Stop that, then try again."
            )


def free_port(wanted: int) -> int:
    """The port that people expect, or any free one where it is taken."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as probe:
            number: int = probe.getsockname()[1]
            return number
    raise DemoFailed("there is no free port.")
