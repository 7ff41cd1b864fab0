"""All the ways in which a value of ours may be shown by somebody who does not think of secrets."""

import io
import logging
import pprint
import sys
import traceback
from collections.abc import Iterator

import rich.pretty
from pydantic import BaseModel, TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from perdure.errors import CannotStart
from perdure.logs import JsonFormatter, TextFormatter


def renderings(value: object) -> Iterator[tuple[str, str]]:
    """The name of each way, and what it shows."""
    yield "repr", repr(value)
    yield "str", str(value)
    yield "format", f"{value}"
    yield "in containers", repr([{"key": (value,)}])
    yield "pprint", pprint.pformat({"key": value})
    yield "rich", rich.pretty.pretty_repr(value)
    yield "a table", _table(value)
    for formatter in (TextFormatter(), JsonFormatter("api")):
        yield f"log by {type(formatter).__name__}", _logged(formatter, value)
    yield "traceback", _traceback(value)
    yield "validation error", _refused(value)


def _table(value: object) -> str:
    table = Table("VALUE")
    table.add_row(repr(value))
    screen = io.StringIO()
    Console(file=screen, width=100_000).print(table)
    return screen.getvalue()


def _logged(formatter: logging.Formatter, value: object) -> str:
    """Every entry that has it, with the traceback of an error that has it, at DEBUG."""
    lines = []
    for error in (ValueError(value), CannotStart(f"It cannot start: {value!r}.")):
        try:
            raise error
        except Exception:
            info = sys.exc_info()
        entry = ("perdure", logging.DEBUG, __file__, 1, "%s and %r", (value, value), info)
        lines.append(formatter.format(logging.LogRecord(*entry)))
    return "\n".join(lines)


def _traceback(value: object) -> str:
    """As debuggers show it, with the values of all variables."""
    try:
        raise ValueError("told with its variables")
    except ValueError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(shown.format())


def _refused(value: object) -> str:
    """As pydantic refuses it where something else is wanted."""
    try:
        TypeAdapter(int).validate_python(value)
    except ValidationError as error:
        return f"{error} {error!r}"
    raise AssertionError("it is a number")


def mistakes(model: type[BaseModel], canary: str) -> Iterator[tuple[str, str]]:
    """What a model says of a canary that stands where it cannot."""
    for name in model.model_fields:
        for wrong in ([[canary]], {"A": [canary]}, {"name": {"B": canary}}, canary):
            try:
                model.model_validate({name: wrong})
            except ValidationError as error:
                yield name, f"{error} {error!r}"
