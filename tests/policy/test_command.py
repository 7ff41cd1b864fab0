"""What a container executes."""

import shutil
import subprocess

import pytest

from policy.command import TERM_TRAP, container_command, joined
from tests.policy.making import service


@pytest.mark.parametrize(
    ("properties", "entrypoint", "arguments"),
    [
        ({"commands": ["a", "b"]}, ("/bin/bash", "-i", "-c"), (TERM_TRAP + "a && b",)),
        ({"image": "x"}, ("/bin/sh", "-i", "-c"), (TERM_TRAP + "serve",)),
        ({"image": "x", "shell": "bash"}, ("/bin/bash", "-i", "-c"), (TERM_TRAP + "serve",)),
        ({"shell": "sh"}, ("/bin/sh", "-i", "-c"), (TERM_TRAP + "serve",)),
        ({"shell": "/bin/zsh"}, ("/bin/zsh", "-i", "-c"), (TERM_TRAP + "serve",)),
        ({"image": "x", "commands": []}, None, ()),
        ({"entrypoint": "python 'a b.py'", "commands": ["--x", "1"]}, ("python", "a b.py"), ("--x", "1")),
        ({"entrypoint": "serve", "image": "x", "commands": []}, ("serve",), ()),
    ],
)
def test_the_command_is_the_shells_the_entrypoints_or_the_images(
    properties: dict[str, object],
    entrypoint: tuple[str, ...] | None,
    arguments: tuple[str, ...],
) -> None:
    assert container_command(service(**properties)) == (entrypoint, arguments)


@pytest.mark.parametrize(
    ("commands", "script"),
    [
        (("a",), "a"),
        (("a &", "b"), "{ a & } && b"),
        (("  a &  ", "b"), "{ a & } && b"),
        (("a", "b &"), "a && { b & }"),
        (("a &&", "b"), "a && && b"),
        (("a; b",), "a; b"),
    ],
)
def test_commands_in_the_background_stand_in_braces(
    commands: tuple[str, ...], script: str
) -> None:
    assert joined(commands) == script


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    ("commands", "output", "status"),
    [
        (("echo one", "echo two"), "one\ntwo\n", 0),
        (("echo one", "false", "echo two"), "one\n", 1),
        (("echo early &", "wait", "echo late"), "early\nlate\n", 0),
        (("exit 3", "echo never"), "", 3),
    ],
)
def test_a_shell_runs_the_script_up_to_the_first_failure(
    shell: str, commands: tuple[str, ...], output: str, status: int
) -> None:
    _, (script,) = container_command(service(commands=commands))
    done = subprocess.run(
        [shutil.which(shell) or shell, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == (output, status)
