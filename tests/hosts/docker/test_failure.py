"""What the engine's refusals mean, and what can be done about each."""

import pytest

from hosts.docker.failure import start_failure
from perdure.errors import ContainerCreateFailed, HostError, RuntimeUnsupported, VolumeFailed


@pytest.mark.parametrize(
    ("words", "kind", "hint"),
    [
        ('could not select device driver "nvidia"', RuntimeUnsupported, "NVIDIA container toolkit"),
        ("Error while creating mount source path '/x'", VolumeFailed, "`volumes`"),
        ('exec: "/no": stat /no: no such file or directory', ContainerCreateFailed, "`entrypoint`"),
        ("unable to find user nobody-here", ContainerCreateFailed, "`user`"),
    ],
)
def test_a_refusal_has_its_kind_and_what_to_do(
    words: str, kind: type[HostError], hint: str
) -> None:
    error = start_failure(words)
    assert type(error) is kind
    assert words in error.message
    assert hint in error.hint
