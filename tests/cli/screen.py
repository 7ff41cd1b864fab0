"""What a terminal of some width shows, and a terminal itself."""

import io

from rich.console import Console, RenderableType


def drawn(picture: RenderableType, width: int) -> list[str]:
    """The lines, without colours and without blanks at their ends."""
    screen = io.StringIO()
    Console(file=screen, width=width, highlight=False).print(picture)
    return [line.rstrip() for line in screen.getvalue().splitlines()]
