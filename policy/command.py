"""What a container executes: the shell with all `commands`, the entrypoint, or the image's own."""

import shlex

from spec.service import ServiceConfiguration

TERM_TRAP = "trap 'exit $?' TERM; "
"""An interactive shell ignores SIGTERM, and without `-i` it would die and take the application
along: with this it waits for the application, then ends with its exit code."""

QUIETLY = 'exec 3>&2 2>/dev/null; exec "$0" -i -c "$1"'
LOUDLY = "exec 2>&3 3>&-; trap 'exec 2>/dev/null' EXIT; "
"""An interactive shell without a terminal complains at its start and at its end: into nothing."""

_SHELLS = {"sh": "/bin/sh", "bash": "/bin/bash"}


def container_command(
    asked: ServiceConfiguration,
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """(entrypoint, arguments) in Docker's sense; entrypoint None is the image's own.

    The shell is interactive, for the default image sets up Python in its `.bashrc`.
    """
    if asked.entrypoint is not None:
        return tuple(shlex.split(asked.entrypoint)), asked.commands
    if not asked.commands:
        return None, ()
    shell = _shell(asked)
    return (shell, "-c", QUIETLY, shell), (LOUDLY + TERM_TRAP + joined(asked.commands),)


def joined(commands: tuple[str, ...]) -> str:
    """One script that stops at the first command that fails."""
    return " && ".join(_in_braces_if_background(command) for command in commands)


def _in_braces_if_background(command: str) -> str:
    """`a & && b` is no shell; `{ a & } && b` is."""
    text = command.strip()
    return f"{{ {text} }}" if text.endswith("&") and not text.endswith("&&") else text


def _shell(asked: ServiceConfiguration) -> str:
    if asked.shell is None:
        return _SHELLS["sh" if asked.image is not None else "bash"]
    return _SHELLS.get(asked.shell, asked.shell)
