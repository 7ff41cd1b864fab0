"""Where a replica starts: its code, or a folder in it. Made by the replica's account, never by us.

Its path goes over links of the code, so whoever follows them must have no more rights than the
replica itself has.
"""

import os
import subprocess
from pathlib import Path

from hosts.process.environment import DEFAULT_PATH, inside
from hosts.process.folder import ReplicaFolder
from perdure.errors import ContainerCreateFailed
from spec.job import Job

# Prints the folder, made and with all links followed.
MAKE = 'mkdir -p -- "$1" && cd -P -- "$1" && pwd -P'


def working_folder(job: Job, folder: ReplicaFolder) -> Path:
    """Its path: a relative `working_dir` and one below `/workflow` are below the code."""
    return folder.workflow / inside(job.working_dir or "", folder)


def make_working_folder(job: Job, folder: ReplicaFolder, uid: int | None) -> None:
    """Make it as `uid`, unless it is there. Raises `ContainerCreateFailed`."""
    identity = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    try:
        made = subprocess.run(  # type: ignore[call-overload]
            ["/bin/sh", "-c", MAKE, "sh", str(working_folder(job, folder))],
            cwd="/",
            env={"PATH": DEFAULT_PATH},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **identity,
        )
    except (OSError, ValueError) as error:
        raise _cannot_be(job, error) from error
    if made.returncode:
        raise _cannot_be(job, made.stderr.decode(errors="replace").strip())
    place, code = os.fsdecode(made.stdout.removesuffix(b"\n")), os.path.realpath(folder.workflow)
    if os.path.commonpath([place, code]) != code:
        raise _cannot_be(job, "it leads out of the code")


def _cannot_be(job: Job, reason: object) -> ContainerCreateFailed:
    told = str(job.working_dir).encode(errors="replace").decode()[:200]
    return ContainerCreateFailed(f"`working_dir: {told}` cannot be used: {reason}.")
