"""`perdure server`: everything on one machine, out of one data directory."""

import asyncio
import logging
import shutil

from perdure import logs
from perdure.data_dir import DataDir
from perdure.errors import CannotStart
from perdure.health import health_address
from perdure.program import exit_status
from perdure.settings import LogFormat, Settings, read_settings
from server import temporal
from server.children import children
from server.reservation import Reservations
from server.supervisor import NAME, Place, Supervisor, only_server
from server.terminal import Terminal

log = logging.getLogger(__name__)

LEAST_DISK = 256 << 20  # bytes: databases and logs of a first day, with room to say what is wrong


def main() -> int:
    """Serve until told to stop, with the settings of the environment; the exit status."""
    return exit_status(lambda: asyncio.run(serve(read_settings())))


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP. Raises `CannotStart`."""
    logs.set_up(settings.log, process=NAME, level=settings.log_level)
    data = settings.data
    data.create()
    _check_disk(data)
    if data.server_id.exists() and not data.temporal_database.exists():
        log.warning(
            "`%s` is missing: no run of before is known, and what they left goes on. Restore it "
            "from the backup with the server stopped",
            data.temporal_database,
        )
    with only_server(data), Reservations() as reserved:
        ports = temporal.ports(settings, reserved)
        place = Place(
            *(data, settings.host, settings.port, settings.ready_timeout),
            health=health_address(settings, NAME),
        )
        terminal = Terminal(as_json=settings.log is LogFormat.JSON)
        await Supervisor(place, children(settings, ports), terminal).run(
            lambda: (
                f"perdure is ready on {settings.base_url} · Temporal UI {ports.ui_url}"
                f" · admin token in {data.admin_token}"
            )
        )


def _check_disk(data: DataDir) -> None:
    free = shutil.disk_usage(data.root).free
    if free < LEAST_DISK:
        raise CannotStart(
            f"The disk of `{data.root}` is full: {free >> 20} MB are free, "
            f"{LEAST_DISK >> 20} MB are needed.",
            hint="Free some space, or set `PERDURE_DATA_DIR` to a folder on another disk.",
        )
