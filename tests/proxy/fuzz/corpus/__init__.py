"""What attackers and broken programs send: one entry a line, with Python's escapes for bytes."""

from pathlib import Path


def corpus(name: str) -> tuple[bytes, ...]:
    """The entries of one file."""
    text = (Path(__file__).parent / f"{name}.txt").read_text()
    return tuple(
        line.encode().decode("unicode_escape").encode("latin-1") for line in text.split("\n")[:-1]
    )
