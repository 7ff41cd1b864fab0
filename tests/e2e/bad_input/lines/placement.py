"""No place to run."""

from perdure.errors import NoCapacity
from tests.e2e.bad_input.line import Line

OFFER = Line(
    "no matching offer",
    "No machine has what is asked for. All that the closest one lacks is named.",
    "perdure apply -y",
    file="type: service\nport: 8000\ncommands: [python app.py]\n"
    "resources: {memory: 4TB.., gpu: A100:8}\n",
    shown=(
        "error: No offer fits. [no_capacity]\n"
        "  `local/local` does not fit: `memory: 4096GB..` is asked for, it has 31.0GB; `gpu: "
        "A100:8` is asked for, it has no GPU free.\n"
        "hint: `perdure offer` shows what there is: ask for less, or for other backends.\n"
    ),
    ends=5,
    error=NoCapacity,
)
ENGINE = Line(
    "Docker engine goes away",
    "The Docker engine has ended. Services go on, `ps` shows them, and nothing new can begin.",
    "perdure apply -y",
    file="type: service\nport: 8000\ncommands: [python app.py]\n",
    shown=(
        "error: No offer fits. [no_capacity]\n"
        "  local: The Docker engine at unix:///var/run/docker.sock refuses connections.\n"
        "hint: Is `docker info` answered there?\n"
    ),
    ends=5,
    error=NoCapacity,
)
LINES = (OFFER, ENGINE)
