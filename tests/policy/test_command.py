"""What a container executes."""

import os
import signal
import subprocess

import pytest

from policy.command import LOUDLY, QUIETLY, TERM_TRAP, container_command, joined
from tests.policy.making import service


@pytest.mark.parametrize(
    ("properties", "shell"),
    [
        ({}, "/bin/bash"),
        ({"shell": "sh"}, "/bin/sh"),
        ({"shell": "/bin/zsh"}, "/bin/zsh"),
        ({"image": "x"}, "/bin/sh"),
        ({"image": "x", "shell": "bash"}, "/bin/bash"),
    ],
)
def test_commands_run_in_one_interactive_shell(properties: dict[str, object], shell: str) -> None:
    entrypoint, arguments = container_command(service(commands=["a", "b"], **properties))
    assert entrypoint == (shell, "-c", QUIETLY, shell)
    assert '"$0" -i -c "$1"' in QUIETLY
    assert arguments == (f"{LOUDLY}{TERM_TRAP}a && b",)


@pytest.mark.parametrize(
    ("properties", "entrypoint", "arguments"),
    [
        ({"image": "x", "commands": []}, None, ()),
        ({"entrypoint": "run 'a b'", "commands": ["--x", "1"]}, ("run", "a b"), ("--x", "1")),
        ({"entrypoint": "serve", "image": "x", "commands": []}, ("serve",), ()),
    ],
)
def test_without_a_shell_it_is_the_entrypoint_or_the_images_own(
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
def test_commands_in_the_background_stand_in_braces(commands: tuple[str, ...], script: str) -> None:
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
def test_the_shell_runs_up_to_the_first_failure_and_does_not_complain(
    shell: str, commands: tuple[str, ...], output: str, status: int
) -> None:
    entrypoint, arguments = container_command(service(commands=commands, shell=shell))
    done = subprocess.run(
        [*(entrypoint or ()), *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert (done.stdout, done.returncode) == (output, status)
    assert "job control" not in done.stderr
    assert "terminal" not in done.stderr


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_an_application_that_is_told_to_stop_ends_with_its_own_status(shell: str) -> None:
    """SIGTERM goes to the whole group, as the runtimes send it."""
    application = (
        "sh -c 'trap \"echo drained >&2; exit 7\" TERM; echo up; while :; do sleep 0.1; done'"
    )
    entrypoint, arguments = container_command(service(commands=[application], shell=shell))
    process = subprocess.Popen(
        [*(entrypoint or ()), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    os.killpg(process.pid, signal.SIGTERM)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 7
    assert "drained" in told
