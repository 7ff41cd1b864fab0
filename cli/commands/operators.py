"""`doctor` and `support-bundle`: for whoever runs a server, or cannot reach one."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import processes
from cli.commands.options import Json, Project

DataDir = Annotated[
    str | None,
    typer.Option(
        "--data-dir", metavar="PATH", help="The server's data directory; `~/.perdure/server`."
    ),
]
DEFAULT_DATA_DIR = "~/.perdure/server"


def doctor(project: Project = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Look for what is wrong, and say how to mend it.

    Here, and on the machine of a server its processes, keys, disk, store, Temporal and Docker,
    too. Changes nothing; works while the server is down. The exit code is 1 when there is a
    problem.
    """
    from cli.doctor import client_findings, python, server_findings
    from cli.findings import show_findings
    from spec.finding import Diagnosis

    environment = _environment(data_dir)
    here = data_dir is not None or _has_server()
    findings = client_findings(project, beside_server=here)
    if here:
        processes.require_server_packages()
        findings += server_findings(python("doctor"), environment)
    diagnosis = Diagnosis.of(findings)
    show_findings(diagnosis, as_json=as_json)
    if not diagnosis.is_well:
        raise typer.Exit(1)


def support_bundle(
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Where to; a name with the time without it."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Pack what helps to find a fault into one file.

    Without secrets. On the machine of a server, as its user: findings of the doctor, versions,
    settings, the last lines of logs, metrics, routes, statuses of runs, and which events their
    histories have.
    """
    from cli.terminal import say

    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    target = Path(output or f"perdure-support-{now}.tar.gz").absolute()
    os.environ.update(_environment(data_dir))
    say(f"Writing {target}. Look into it before you send it.")
    processes.become("doctor", ["bundle", str(target)])


def _environment(data_dir: str | None) -> dict[str, str]:
    return {} if data_dir is None else {"PERDURE_DATA_DIR": data_dir}


def _has_server() -> bool:
    """Whether this user has a server's data on this machine."""
    place = os.environ.get("PERDURE_DATA_DIR") or DEFAULT_DATA_DIR
    return Path(place).expanduser().is_dir()
