"""A Temporal server for development, as `perdure server` runs it, but alone and on its usual port.

It keeps its database in the data directory (`PERDURE_DATA_DIR`), speaks gRPC on 127.0.0.1:7233
without a login, and has its web UI on 127.0.0.1:8234. SQLite survives a kill, not always a loss of
power: for anything that must last use a Temporal cluster.
"""

import signal
import subprocess
import sys
import time

from perdure.program import exit_status
from perdure.settings import read_settings
from server import temporal

GRPC_PORT = 7233  # Temporal's own, so that its clients need no address
WEB_PORT = 8234  # one above ours, which stands before it with a login
PATIENCE = 30.0  # seconds until the server must answer


def main() -> None:
    """Run it until told to stop."""
    settings = read_settings()
    settings.data.create()
    ports = temporal.Ports(grpc=GRPC_PORT, web=WEB_PORT, ui=settings.ui_port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen(temporal.command(settings, ports))
    try:
        retain(server, ports)
        sys.stdout.write(f"Temporal is ready on {ports.address}, its UI on {ports.web_url}\n")
        sys.stdout.flush()
        server.wait()
    except KeyboardInterrupt:
        sys.stdout.write("Temporal stops\n")
    finally:
        server.terminate()
        server.wait()


def retain(server: "subprocess.Popen[bytes]", ports: temporal.Ports) -> None:
    """Tell the server how long closed workflows stay, as soon as it answers."""
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        done = subprocess.run(temporal.retention_command(ports), capture_output=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.2)
    sys.exit("error: Temporal does not answer")


if __name__ == "__main__":
    sys.exit(exit_status(main))
