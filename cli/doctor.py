"""What the client can tell by itself; the rest is looked for by the server's own packages."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from cli.client import Client, path
from cli.connection import Connection, connect
from perdure import __version__
from perdure.client_config import client_file, load
from perdure.errors import PerdureError, sentence
from spec.finding import Diagnosis, Finding, fine, problem, warning
from spec.people import Identity
from spec.server import Server

LARGEST_SKEW = 60.0
"""Seconds between two clocks: from about here on, times in logs and of tokens mislead people."""
SERVER_SECONDS = 240.0
"""For all the checks of a server together; each is bounded by itself."""
SKIPPED = "Mend what comes before, then ask again."


@dataclass(frozen=True)
class File:
    """The client's file; `mode` is None when there is none, `error` why it cannot be read."""

    path: Path
    mode: int | None
    entries: int = 0
    error: PerdureError | None = None


@dataclass(frozen=True)
class Reached:
    """A server that was asked. `identity` is None for a token that is not valid (`refusal`).

    `skew` is how many seconds its clock is ahead of ours.
    """

    connection: Connection
    server: Server | None
    skew: float
    identity: Identity | None
    refusal: PerdureError | None = None


def look_at_file(file: Path) -> File:
    """Read the client's file as every command does."""
    mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else None
    try:
        return File(file, mode, len(load(file).projects))
    except PerdureError as error:
        return File(file, mode, error=error)


def judge_file(seen: File) -> Iterator[Finding]:
    """It can be read, and by nobody else."""
    if seen.error is not None:
        yield problem(seen.error.message, seen.error.hint)
    elif seen.mode is None:
        yield warning(f"There is no `{seen.path}`.", "`perdure project add` writes one.")
    elif seen.mode & 0o077:
        yield problem(
            f"`{seen.path}`, which has tokens, can be used by others (mode {seen.mode:04o}).",
            f"Run `chmod 600 {seen.path}`; if others had access to this machine, replace them.",
        )
    else:
        yield fine(f"`{seen.path}` knows {seen.entries} projects.")


def look_at_server(connection: Connection, now: datetime) -> Reached:
    """Ask the server who it is and who we are. Raises `ServerUnreachable` and its kin."""
    with Client(replace(connection, token="")) as stranger:  # it may be another's port
        stranger.recognise()
        date = stranger.date()
    skew = (date - now).total_seconds() if date is not None else 0.0
    with Client(connection) as client:
        try:
            server = client.get(Server, path("server"))
            identity = client.get(Identity, path("me"))
        except PerdureError as error:
            return Reached(connection, None, skew, None, error)
    return Reached(connection, server, skew, identity)


def judge_server(seen: Reached) -> Iterator[Finding]:
    """It answers, its clock is ours, its version is ours, and the token opens the project."""
    url, project = seen.connection.url, seen.connection.project
    yield fine(f"A server answers at {url}.").model_copy(update={"check": "server"})
    for check, finding in (
        ("clock", _clock(seen)),
        ("version", _version(seen)),
        ("token", _token(seen, project)),
    ):
        if finding is not None:
            yield finding.model_copy(update={"check": check})


def _clock(seen: Reached) -> Finding:
    if abs(seen.skew) > LARGEST_SKEW:
        way = "ahead of" if seen.skew > 0 else "behind"
        return warning(
            f"The server's clock is {abs(seen.skew):.0f} s {way} this machine's.",
            "Have both set their clocks by the network: `timedatectl set-ntp true`.",
        )
    return fine("The clocks agree.")


def _version(seen: Reached) -> Finding | None:
    if seen.server is None:
        return None
    if seen.server.version != __version__:
        return warning(
            f"This is perdure {__version__}, and the server has {seen.server.version}.",
            f"Install the server's: `pip install perdure=={seen.server.version}`.",
        )
    return fine(f"Both are perdure {__version__}.")


def _token(seen: Reached, project: str) -> Finding:
    if seen.refusal is not None:
        return problem(seen.refusal.message, seen.refusal.hint or SKIPPED)
    assert seen.identity is not None
    if project not in seen.identity.projects:
        return problem(
            f"The token of `{seen.identity.user}` opens no project `{project}`.",
            "`perdure project list` shows those that it opens; `--project` chooses one.",
        )
    return fine(f"The token of `{seen.identity.user}` opens the project `{project}`.")


def client_findings(project: str | None, *, beside_server: bool) -> list[Finding]:
    """All that concerns the client. Beside a server it need not know one."""
    found = [
        each.model_copy(update={"check": "client_file"})
        for each in judge_file(look_at_file(client_file()))
    ]
    try:
        found += judge_server(look_at_server(connect(project), datetime.now(UTC)))
    except PerdureError as error:
        tell = warning if beside_server else problem
        found.append(tell(error.message, error.hint).model_copy(update={"check": "server"}))
    return found


def server_findings(command: list[str], environment: dict[str, str]) -> list[Finding]:
    """What the checks of this machine's installation find, in a process of their own."""
    try:
        done = subprocess.run(
            command,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SERVER_SECONDS,
            check=False,
        )
        return list(Diagnosis.model_validate_json(done.stdout).findings)
    except subprocess.TimeoutExpired:
        words = "They did not come to their end in time."
    except ValidationError:
        words = _last_words(done.stderr)
    return [
        problem(
            sentence(f"The checks of the server cannot be made. {words}"),
            "Run `perdure doctor` as the server's user, with its environment.",
        ).model_copy(update={"check": "server_checks"})
    ]


def _last_words(stderr: str) -> str:
    """Our own error's first line, or the last one of whatever else was said."""
    lines = stderr.strip().splitlines()
    ours = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return next(iter(ours or lines[-1:]), "No word was said.")


def python(module: str, *arguments: str) -> list[str]:
    """The command of a module of ours, whatever lies in the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]
