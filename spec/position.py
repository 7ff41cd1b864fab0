"""A place in a configuration's file, and the error that points at it."""

from dataclasses import dataclass

import yaml

from perdure.errors import InvalidConfiguration

Path = tuple[str | int, ...]
"""Keys and list places that lead from the whole to a part."""


@dataclass(frozen=True)
class Position:
    """A place in the text, counted from 1."""

    line: int
    column: int

    @classmethod
    def of(cls, mark: yaml.Mark) -> "Position":
        """Where a YAML mark is."""
        return cls(line=mark.line + 1, column=mark.column + 1)


def failure(
    file: str, position: Position, message: str, *, hint: str = "", path: Path = ()
) -> InvalidConfiguration:
    """The error for a place in a file; `path` leads to the property, where one is to blame."""
    return InvalidConfiguration(
        message, hint=hint, file=file, line=position.line, column=position.column, path=path
    )
