"""Tables of a page."""

from collections.abc import Iterable, Sequence

MADE = "Made by `make docs`; a test holds it to the code."


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown, a line for each row."""
    lines = (header, ["---"] * len(header), *rows)
    return "\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in lines)


def code(text: str) -> str:
    """As it is typed."""
    return f"`{text}`" if text else "-"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
