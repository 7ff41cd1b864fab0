"""The output of replicas on ours: stdout to stdout, stderr to stderr."""

import sys

from cli.client import Client
from cli.stream import PATIENCE, follow
from cli.terminal import say
from spec.log import LogStream
from spec.submission import LogLine

PAGE = 1000
"""Lines that are asked for at once."""


def print_logs(client: Client, name: str, *, replica: int | None, since: str | None) -> None:
    """Print all that there is now."""
    where = client.in_project("runs", name, "logs")
    asked: dict[str, str | int] = {**_filters(replica, since), "limit": PAGE}
    while lines := client.get(list[LogLine], where, **asked):
        for line in lines:
            _write(line)
        asked["after"] = lines[-1].id


def follow_logs(
    client: Client,
    name: str,
    *,
    replica: int | None = None,
    since: str | None = None,
    patience: float = PATIENCE,
) -> None:
    """Print all that there is and all that comes, each line once, until the run has ended."""
    where = client.in_project("runs", name, "logs")
    filters = {**_filters(replica, since), "follow": "true"}
    for event in follow(client, where, filters, say=say, patience=patience):
        if event.event == "end":
            return
        if event.event == "log":
            _write(LogLine.model_validate_json(event.data))


def _filters(replica: int | None, since: str | None) -> dict[str, str | int]:
    given = {"replica": replica, "since": since}
    return {name: value for name, value in given.items() if value is not None}


def _write(line: LogLine) -> None:
    stream = sys.stderr if line.stream is LogStream.STDERR else sys.stdout
    # A terminal or a pipe may be of an encoding that lacks a character: it gets a `?`.
    data = f"{line.text}\n".encode(stream.encoding or "utf-8", errors="replace")
    stream.buffer.write(data)
    stream.flush()
