"""A server that cannot start, or cannot keep anything."""

from perdure.errors import CannotStart, NoSpace
from tests.e2e.bad_input.line import Line

PORT = Line(
    "port of the server taken",
    "Another program listens on the server's port.",
    "perdure server",
    shown=(
        "error: Port 3000 of 127.0.0.1 is in use by another program. [cannot_start]\n"
        "hint: See which by `ss -ltnp 'sport = :3000'`, or choose another by `PERDURE_PORT`.\n"
    ),
    ends=1,
    error=CannotStart,
)
START = Line(
    "data directory full",
    "The disk of the data directory has no room for a start.",
    "perdure server",
    shown=(
        "error: The disk of `~/.perdure/server` is full: 100 MB are free, 256 MB are needed. "
        "[cannot_start]\n"
        "hint: Free some space, or set `PERDURE_DATA_DIR` to a folder on another disk.\n"
    ),
    ends=1,
    error=CannotStart,
)
FULL = Line(
    "data directory full",
    "The disk fills up while the server runs. Services go on, and can be looked at and stopped.",
    "perdure apply -y",
    file="type: service\nport: 8000\ncommands: [python app.py]\n",
    shown=(
        "error: The disk of the server is full: 31 MB are free, and 64 MB are kept for what "
        "runs. [no_space]\n"
        "hint: Free some space on the machine of the server, then apply again.\n"
    ),
    ends=1,
    error=NoSpace,
)
LINES = (PORT, START, FULL)
