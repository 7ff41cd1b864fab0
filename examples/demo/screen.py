"""What the demo says, whether or not anybody reads it."""

import os


class DemoFailed(Exception):
    """What went wrong, in words."""


def headline(text: str) -> None:
    """A line that can be found again."""
    say(f"\n── {text}")


def say(text: str = "", *, end: str = "\n") -> None:
    """Print; when nobody can read it any more, what is to be taken down still is."""
    try:
        print(text, end=end, flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
