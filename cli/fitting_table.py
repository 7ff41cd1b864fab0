"""A table for terminals of any width: it leaves out what there is no room for."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from cli.terminal import GAP, UNBOUNDED, columns
from cli.visible import visible


class FittingTable:
    """A table that leaves out columns where its lines are too short for all.

    `folding` columns may break, down to a width; the others never do. `dispensable` ones go, in
    this order, until the rest fits.
    """

    def __init__(
        self, *names: str, folding: Mapping[str, int], dispensable: Sequence[str] = ()
    ) -> None:
        self._names = names
        self._folding = folding
        self._dispensable = dispensable
        self._rows: list[tuple[str | Text, ...]] = []

    def add_row(self, *cells: str | Text) -> None:
        """Add a row, with a cell for each column."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The widest choice of columns that fits."""
        names = list(self._names)
        for name in self._dispensable:
            if self._least_width(names) <= options.max_width:
                break
            names.remove(name)
        table = columns(*names, folding=tuple(self._folding))
        for row in self._rows:
            table.add_row(*(row[self._names.index(name)] for name in names))
        yield table

    def _least_width(self, names: Sequence[str]) -> int:
        widths = (min(self._width(name), self._folding.get(name, UNBOUNDED)) for name in names)
        return sum(widths) + GAP * len(names)

    def _width(self, name: str) -> int:
        place = self._names.index(name)
        cells = (visible(str(row[place])) for row in self._rows)
        return max(cell_len(text) for text in (name, *cells))
