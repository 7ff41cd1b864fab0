"""Applications that do not serve."""

from perdure.errors import ContainerExited, NotReadyInTime, OutOfMemory
from tests.e2e.bad_input.line import Line

APPLY = "perdure apply -y"

NOT_FOUND = Line(
    "command not found",
    "A command is not there. The shell's own words are in the log, which `apply` prints before.",
    APPLY,
    file="type: service\nname: unfound\nport: 8000\ncommands: [no-such-command --serve]\n",
    shown=(
        "error: The run `unfound` has failed: exited (127): A command was not found. "
        "[container_exited]\n"
        "hint: Its last words are in its log: `perdure logs unfound`.\n"
    ),
    ends=1,
    error=ContainerExited,
)
ENTRYPOINT = Line(
    "command not found",
    "The `entrypoint` is not in the image.",
    APPLY,
    file="type: service\nname: pointless\nport: 8000\nimage: example/base:1\n"
    "entrypoint: /no/such/program\n",
    shown=(
        "error: The run `pointless` has failed: exited (127): A command was not found. "
        "[container_exited]\n"
        "hint: Its last words are in its log: `perdure logs pointless`.\n"
    ),
    ends=1,
    error=ContainerExited,
)
EXITS = Line(
    "container exits at once",
    "The application ends before it serves. `apply` prints its log before these words.",
    APPLY,
    file="type: service\nname: exits\nport: 8000\ncommands: [python3 app.py]\n",
    shown=(
        "error: The run `exits` has failed: exited (5). [container_exited]\n"
        "hint: Its last words are in its log: `perdure logs exits`.\n"
    ),
    ends=1,
    error=ContainerExited,
)
LAST_WORDS = Line(
    "container exits at once",
    "`ps -v` has the last lines of the log of what failed.",
    "perdure ps -a -v",
    shown=(
        "exits, replica 0: [container_exited]\n"
        "  | line 3\n"
        "  | line 4\n"
        "  | line 5\n"
        "  | line 6\n"
        "  | line 7\n"
        "  hint: Its last words are in its log: `perdure logs exits`."
    ),
    ends=0,
    error=ContainerExited,
)
CLOSED = Line(
    "service never opens its port",
    "The application listens on another port, or only to itself, until the server's "
    "`PERDURE_START_TIMEOUT` is over.",
    APPLY,
    file="type: service\nname: closed\nport: 8000\ncommands: [sleep 1000]\n",
    shown=(
        "error: The run `closed` has failed: took too long to start: After 7200 s the port "
        "8000 is closed. [not_ready_in_time]\n"
        "hint: Does the service listen on 0.0.0.0, and on the port of its `port`?\n"
    ),
    ends=124,
    error=NotReadyInTime,
)
MEMORY = Line(
    "OOM",
    "The application takes more memory than the maximum of `resources.memory`.",
    APPLY,
    file="type: service\nname: greedy\nport: 8000\nimage: example/base:1\n"
    "commands: [python3 app.py]\nresources: {memory: 0.05GB..0.1GB}\n",
    shown=(
        "error: The run `greedy` has failed: out of memory: It used more memory than it may. "
        "[out_of_memory]\n"
        "hint: Raise the maximum of `resources.memory`, or have the service use less.\n"
    ),
    ends=1,
    error=OutOfMemory,
)
LINES = (NOT_FOUND, ENTRYPOINT, EXITS, LAST_WORDS, CLOSED, MEMORY)
