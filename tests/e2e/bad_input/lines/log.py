"""What applications write."""

from perdure.errors import LogQuotaExceeded
from tests.e2e.bad_input.line import Line

LONG_LINE = Line(
    "a 1 GB log line",
    "The application writes a gigabyte without an end of line. It is cut into lines of 1 MB, and "
    "ends the run when the log is over the quota.",
    "perdure apply -y",
    file="type: service\nname: loud\nport: 8000\ncommands: [python3 app.py]\n",
    shown=(
        "error: The run `loud` has failed: log quota exceeded: It wrote more log than the "
        "server keeps of a run. [log_quota_exceeded]\n"
        "hint: Have it write less, or raise `PERDURE_LOG_QUOTA_MB` of the server.\n"
    ),
    ends=1,
    error=LogQuotaExceeded,
)
SECRETS = Line(
    "a service that prints secrets",
    "What an application prints is in its log, for the members of its project, and nowhere else: "
    "no index, no history and no log of ours has it.",
    "perdure logs chatty",
    shown="a-secret-that-is-printed\n",
    ends=0,
)
LINES = (LONG_LINE, SECRETS)
