"""The output of replicas on ours: stdout to stdout, stderr to stderr.

Lines are printed as the service wrote them, byte for byte: they are the user's own.
"""

import sys
from datetime import UTC, datetime, timedelta

from cli.client import Client
from cli.persistence import PATIENCE
from cli.run_table import describe_status
from cli.stream import follow
from cli.terminal import say
from perdure.errors import NotFound, sentence
from spec.log import LogStream
from spec.submission import LogLine, RunView
from spec.units import parse_duration

PAGE = 1000
"""Lines that are asked for at once."""


def show_logs(
    client: Client, name: str, *, following: bool, replica: int | None, since: str | None
) -> None:
    """Print the log now, or as it comes; say why where there is none. Raises `NotFound`."""
    if following and replica is not None:
        _require_replica(_known(client, name), replica)
    printed = (follow_logs if following else print_logs)(client, name, replica=replica, since=since)
    if not printed:
        _explain_silence(client, name, replica, since)


def print_logs(client: Client, name: str, *, replica: int | None, since: str | None) -> bool:
    """Print all that there is now; whether there was anything. Raises `NotFound`."""
    where = client.in_project("runs", name, "logs")
    asked: dict[str, str | int] = {**_filters(replica, since), "limit": PAGE}
    while lines := client.get(list[LogLine], where, **asked):
        for line in lines:
            _write(line)
        asked["after"] = lines[-1].id
    return "after" in asked


def follow_logs(
    client: Client,
    name: str,
    *,
    replica: int | None = None,
    since: str | None = None,
    patience: float = PATIENCE,
) -> bool:
    """Print all that there is and all that comes, each line once, until the run has ended.

    Returns whether there was anything. Raises `NotFound`.
    """
    where = client.in_project("runs", name, "logs")
    filters = {**_filters(replica, since), "follow": "true"}
    printed = False
    for event in follow(client, where, filters, say=say, patience=patience):
        if event.event == "end":
            break
        if event.event == "log":
            printed = True
            _write(LogLine.model_validate_json(event.data))
    return printed


def beginning(since: str, now: datetime) -> str:
    """A time for a duration before `now`.

    Anything else is left to the server. A duration would count anew with each request, and after a
    break leave out what came during it.
    """
    try:
        return (now - timedelta(seconds=parse_duration(since))).isoformat()
    except ValueError:
        return since


def _filters(replica: int | None, since: str | None) -> dict[str, str | int]:
    moment = None if since is None else beginning(since, datetime.now(UTC))
    given = {"replica": replica, "since": moment}
    return {name: value for name, value in given.items() if value is not None}


def _known(client: Client, name: str) -> RunView | None:
    """The run; None when only its log is remembered."""
    try:
        return client.get(RunView, client.in_project("runs", name))
    except NotFound:
        return None


def _require_replica(run: RunView | None, replica: int) -> None:
    numbers = [each.num for each in run.replicas] if run else []
    if run is None or not numbers or replica in numbers:
        return
    listed = ", ".join(map(str, numbers))
    raise NotFound(
        f"The run `{run.name}` has no replica {replica}.",
        hint=f"It has {'the replica' if len(numbers) == 1 else 'the replicas'} {listed}.",
    )


def _explain_silence(client: Client, name: str, replica: int | None, since: str | None) -> None:
    run = _known(client, name)
    whose = f"The run {name}"
    if replica is not None:
        _require_replica(run, replica)
        whose = f"The replica {replica} of the run {name}"
    if since is not None:
        say(f"{whose} has no log of that time.")
    elif run is None:
        say(f"{whose} has no log.")
    elif run.status.is_final:
        say(sentence(f"{whose} has no log: {describe_status(run)}"))
    else:
        say(f"{whose} has no log yet: {describe_status(run)}.")


def _write(line: LogLine) -> None:
    stream = sys.stderr if line.stream is LogStream.STDERR else sys.stdout
    # A terminal or a pipe may be of an encoding that lacks a character: it gets a `?`.
    data = f"{line.text}\n".encode(stream.encoding or "utf-8", errors="replace")
    stream.buffer.write(data)
    stream.flush()
