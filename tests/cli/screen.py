"""What a terminal of some width shows, and a terminal with a program on it."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, RenderableType

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0
CTRL_C, CTRL_D = "\x03", "\x04"

_ENTER_TERMINAL = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


def shown_blocks(beginning: str, page: str = "reference/cli-output.md") -> list[str]:
    """The blocks of a page below `docs` that begin so."""
    page = (ROOT / "docs" / page).read_text()
    blocks = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    return [block for block in blocks if block.startswith(beginning)]


def drawn(picture: RenderableType, width: int) -> list[str]:
    """The lines, without colours and without blanks at their ends."""
    screen = io.StringIO()
    Console(file=screen, width=width, highlight=False).print(picture, crop=False)
    return [line.rstrip() for line in screen.getvalue().splitlines()]


class Terminal:
    """A program on a terminal of 80 columns, as a person meets it."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self._process = process
        self.seen = ""

    def wait_for(self, text: str) -> str:
        """Read on until the text has appeared since the last time; what came before it."""
        end = time.monotonic() + DEADLINE
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} did not appear in:\n{self.seen}"
            assert self._read(), f"it ended without {text!r}:\n{self.seen}"
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def hang_up(self) -> int:
        """Take the terminal away; how the program ended."""
        self.close()
        return self._process.wait(DEADLINE)

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def exit_code(self) -> int:
        """Read to the end."""
        while self._read():
            pass
        return self._process.wait(DEADLINE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], 0.1)
        if not ready:
            return True
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux's way to say that nobody has the other side open
            return False
        self.seen += _CONTROL.sub("", data.decode(errors="replace"))
        return bool(data)


@contextmanager
def terminal(*arguments: str, cwd: Path) -> Iterator[Terminal]:
    """Start `perdure` with these arguments; what is left of it goes with the block."""
    with on_terminal(sys.executable, "-P", "-m", "perdure", *arguments, cwd=cwd) as place:
        yield place


@contextmanager
def on_terminal(*program: str, cwd: Path, **variables: str) -> Iterator[Terminal]:
    """Start a program, which the terminal's signals reach; it goes with the block."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    shown = {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "-c", _ENTER_TERMINAL, *program],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env=os.environ | shown | variables,
    )
    os.close(theirs)
    place = Terminal(ours, process)
    try:
        yield place
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        place.close()
