"""`status`: one run, now or as it was."""

from datetime import UTC, datetime

from cli.client import Client
from cli.failure import last_words
from cli.near_name import telling_near_names
from cli.past import past, shown
from cli.run_table import run_json, run_table
from cli.terminal import answers, say, show
from spec.submission import RunView


def print_status(client: Client, name: str, *, at: str | None, as_json: bool) -> None:
    """Print the run as `ps -v` does. Raises `NotFound`, and `InvalidInput` for what is no time."""
    now = datetime.now(UTC)
    then = None if at is None else past(at, now).end
    asked = {} if then is None else {"at": then.isoformat()}
    with telling_near_names(client, name):
        run = client.get(RunView, client.in_project("runs", name), **asked)
    if as_json:
        answers().print(run_json(run), soft_wrap=True)
        return
    if then is not None:
        say(f"The run {name} as it was at {shown(then, now)}:")
    show(answers(), run_table([run], then or now, verbose=True))
    # The log of then is not kept apart from that of now.
    words = "\n".join(last_words(client, [run])) if then is None else ""
    if words:
        answers().print(f"\n{words}", overflow="ignore", crop=False)
