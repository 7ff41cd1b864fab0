"""What the engine's refusals mean, and what can be done about each."""

import pytest

from hosts.docker.failure import start_failure
from perdure.errors import ContainerCreateFailed, HostError, RuntimeUnsupported, VolumeFailed

CANARY = "hunter2-canary"
RUNC = "OCI runtime create failed: runc create failed: unable to start container process: error"


@pytest.mark.parametrize(
    ("words", "kind", "told", "hint"),
    [
        (
            'could not select device driver "nvidia"',
            RuntimeUnsupported,
            "its GPUs",
            "NVIDIA container toolkit",
        ),
        (
            f'invalid mount config for type "bind": bind source path does not exist: /{CANARY}',
            VolumeFailed,
            "A path does not exist.",
            "`volumes`",
        ),
        (
            f"Error while creating mount source path '/{CANARY}': mkdir /x: permission denied",
            VolumeFailed,
            "A permission is missing.",
            "`volumes`",
        ),
        (
            f'{RUNC} during container init: exec: "--api-key={CANARY}": executable file not found '
            "in $PATH: unknown",
            ContainerCreateFailed,
            "An executable is not found in `$PATH`.",
            "`entrypoint`",
        ),
        (
            f'{RUNC} during container init: exec: "/{CANARY}": stat /{CANARY}: no such file or '
            "directory: unknown",
            ContainerCreateFailed,
            "A file or a folder does not exist.",
            "`commands`",
        ),
        (
            f'{RUNC} during container init: exec: "/{CANARY}": permission denied: unknown',
            ContainerCreateFailed,
            "A permission is missing.",
            "`entrypoint`",
        ),
        (
            f"unable to find user {CANARY}: no matching entries in passwd file",
            ContainerCreateFailed,
            "The image does not have the user.",
            "`user`",
        ),
        (
            f"something new about {CANARY}",
            ContainerCreateFailed,
            "The container could not be started.",
            "`journalctl -u docker`",
        ),
    ],
)
def test_a_refusal_has_its_kind_and_what_to_do_and_repeats_nothing_that_a_user_wrote(
    words: str, kind: type[HostError], told: str, hint: str
) -> None:
    error = start_failure(words)
    assert type(error) is kind
    assert told in error.message
    assert hint in error.hint
    assert CANARY not in error.message + error.hint
