"""What the engine's refusal to create or start a container means."""

import re

from perdure.errors import (
    ContainerCreateFailed,
    HostError,
    RuntimeUnsupported,
    VolumeFailed,
    sentence,
)

MISSING_SOURCE = re.compile(r"bind source path does not exist: (?P<path>.+)")
VOLUME = ("invalid mount config", "error while creating mount source", "invalid volume", "mount ")
DEVICES = ("could not select device driver", "nvidia-container-cli", "unknown device")


def missing_source(text: str) -> str | None:
    """The folder that a mount asks for and the machine does not have."""
    found = MISSING_SOURCE.search(text)
    return found["path"].strip() if found else None


def start_failure(text: str) -> HostError:
    """The error that the engine's words mean."""
    words = text.lower()
    if any(sign in words for sign in DEVICES):
        return RuntimeUnsupported(
            sentence(f"Docker cannot give the container its GPUs: {text}"),
            hint="Install the NVIDIA container toolkit on the machine, then restart Docker.",
        )
    if any(sign in words for sign in VOLUME):
        return VolumeFailed(
            sentence(f"A volume could not be mounted: {text}"),
            hint="Check the paths in `volumes`, and that they exist on the machine.",
        )
    return ContainerCreateFailed(
        sentence(f"The container could not be started: {text}"),
        hint="Check what Docker names, such as `entrypoint`, `user` or `working_dir`.",
    )
