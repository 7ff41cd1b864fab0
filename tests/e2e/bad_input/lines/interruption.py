"""Answers that are lost, requests that come twice, and people who have seen enough."""

from tests.e2e.bad_input.line import Line

APPLY = "perdure apply"

LOST = Line(
    "apply again after a lost answer",
    "The connection breaks before the answer to `apply` is there. It asks again, and there is one "
    "run.",
    "perdure apply -y -d",
    shown="",
    ends=0,
)
STOP_TWICE = Line(
    "stop twice",
    "A run is stopped that has ended.",
    "perdure stop -y done",
    shown="The run done has ended: aborted.\n",
    ends=0,
)
PLAN = Line(
    "Ctrl-C",
    "Ctrl-C at the question of the plan.",
    APPLY,
    shown="Nothing was submitted.\n",
    ends=130,
)
UPLOAD = Line(
    "Ctrl-C",
    "Ctrl-C while the code is uploaded.",
    "perdure apply -y",
    shown="Nothing was submitted.\n",
    ends=130,
)
PULLING = Line(
    "Ctrl-C",
    "Ctrl-C while the image is pulled, and a yes to the question.",
    "perdure apply -y",
    shown="The run pulls has ended: stopped.\n",
    ends=130,
)
STARTING = Line(
    "Ctrl-C",
    "Ctrl-C while the service starts, and a no to the question.",
    "perdure apply -y",
    shown="Detached: the run starts goes on. `perdure logs -f starts` follows it.\n",
    ends=130,
)
FOLLOWING = Line(
    "Ctrl-C",
    "Ctrl-C in the log that `apply` follows, and again at its question.",
    "perdure apply -y",
    shown="Detached: the run serves goes on. `perdure logs -f serves` follows it.\n",
    ends=130,
)
LOGS = Line(
    "Ctrl-C", "Ctrl-C in a log that is followed.", "perdure logs -f waits", shown="", ends=130
)
WATCH = Line(
    "Ctrl-C", "Ctrl-C in a table that is kept up to date.", "perdure ps -w", shown="", ends=130
)
STOP_QUESTION = Line(
    "Ctrl-C",
    "Ctrl-C at the question of a stop.",
    "perdure stop waits",
    "Nothing was stopped.\n",
    130,
)
STOPPING = Line(
    "Ctrl-C",
    "Ctrl-C while a stop is waited for.",
    "perdure stop -y waits",
    shown="The run waits goes on stopping: `perdure ps` shows when that is done.\n",
    ends=130,
)
SECRET = Line(
    "Ctrl-C",
    "Ctrl-C at the question for a secret.",
    "perdure secret set TYPED",
    shown="Nothing was set.\n",
    ends=130,
)
LINES = (
    *(LOST, STOP_TWICE, PLAN, UPLOAD, PULLING, STARTING, FOLLOWING, LOGS, WATCH),
    *(STOP_QUESTION, STOPPING, SECRET),
)
