"""What the engine's refusal to create or start a container means.

Its words quote what a user wrote, such as an argument with a key in it, and what we tell of a
failure can be read where that cannot: only what we know of these words is told on.
"""

import re

from perdure.errors import (
    ContainerCreateFailed,
    HostError,
    RuntimeUnsupported,
    VolumeFailed,
)

MISSING_SOURCE = re.compile(r"bind source path does not exist: (?P<path>.+)")
VOLUME = ("invalid mount config", "error while creating mount source", "invalid volume", "mount ")
DEVICES = ("could not select device driver", "nvidia-container-cli", "unknown device")

CAUSES = {
    "executable file not found in $path": "An executable is not found in `$PATH`.",
    "no matching entries in passwd file": "The image does not have the user.",
    "unable to find user": "The image does not have the user.",
    "unable to find group": "The image does not have the group.",
    "exec format error": "The executable is for another kind of processor, or is none.",
    "argument list too long": "The commands are too long.",
    "port is already allocated": "A port is taken.",
    "address already in use": "A port is taken.",
    "no space left on device": "The machine's disk is full.",
    "cannot allocate memory": "The machine has no memory left.",
    "read-only file system": "A file system is read-only.",
    "operation not permitted": "The machine does not permit it.",
    "permission denied": "A permission is missing.",
    "not a directory": "A path leads through a file.",
    "is a directory": "A folder is where a file should be.",
    "path does not exist": "A path does not exist.",
    "no such file or directory": "A file or a folder does not exist.",
}
"""By the engine's words, in lower case; those that say more come first."""


def missing_source(text: str) -> str | None:
    """The folder that a mount asks for and the machine does not have."""
    found = MISSING_SOURCE.search(text)
    return found["path"].strip() if found else None


def start_failure(text: str) -> HostError:
    """The error that the engine's words mean. It repeats none of them."""
    words = text.lower()
    if any(sign in words for sign in DEVICES):
        return RuntimeUnsupported(
            "Docker cannot give the container its GPUs.",
            hint="Install the NVIDIA container toolkit on the machine, then restart Docker.",
        )
    cause = next((told for sign, told in CAUSES.items() if sign in words), "")
    if any(sign in words for sign in VOLUME):
        return VolumeFailed(
            f"A volume could not be mounted. {cause}".rstrip(),
            hint="Check the paths in `volumes`, and that they exist on the machine. Docker's own "
            "words are in its log there: `journalctl -u docker`.",
        )
    return ContainerCreateFailed(
        f"The container could not be started. {cause}".rstrip(),
        hint="Check `entrypoint`, `commands`, `user` and `working_dir` against the image. Docker's "
        "own words are in its log on the machine: `journalctl -u docker`.",
    )
