"""Traces from files: when requests arrived."""

import csv
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from perdure.errors import InvalidInput
from spec.backtest import Trace, TraceRow

COLUMNS = ["second", "requests"]
AS_IN = f"Its first line is `{','.join(COLUMNS)}`, the others are as in `120,7`."

MOST_ROWS = 50_000
"""A request to the server has at most 1 MiB."""

LONGEST_STEP = 3600


def read_trace(file: str) -> Trace:
    """The trace of a CSV file. A row is as long as the shortest time between two.

    One of very many rows is made coarser. Raises `InvalidInput`.
    """
    rows = _rows(file)
    between = [after.second - before.second for before, after in pairwise(rows)]
    step = min([*between, LONGEST_STEP]) if between else 1
    if step < 1:
        number = next(number for number, gap in enumerate(between) if gap < 1)
        raise _wrong(file, number + 3, "it does not come after the one above it")
    factor = -(-len(rows) // MOST_ROWS)
    try:
        return _coarser(rows, step * factor)
    except ValidationError as error:
        why = error.errors(include_url=False, include_input=False)[0]["msg"].removesuffix(".")
        raise InvalidInput(f"`{file}` is no trace: {why}.", hint=AS_IN) from error


def _coarser(rows: list[TraceRow], step: int) -> Trace:
    counts: dict[int, int] = {}
    for row in rows:
        second = row.second // step * step
        counts[second] = counts.get(second, 0) + row.requests
    seconds = max(counts, default=0) + step
    found = tuple(TraceRow(second, count) for second, count in counts.items() if count)
    return Trace(step=step, seconds=seconds, rows=found)


def _rows(file: str) -> list[TraceRow]:
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInput(
            f"`{file}` cannot be read: {(error.strerror or '').lower()}.",
            hint="Check its name and its permissions.",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"`{file}` is not UTF-8 text.", hint="Save it as UTF-8.") from error
    head, *lines = [*csv.reader(text.splitlines())] or [[]]
    if [cell.strip() for cell in head] != COLUMNS:
        raise _wrong(file, 1, "it does not name the columns")
    return [_row(file, number, line) for number, line in enumerate(lines, start=2) if line]


def _row(file: str, number: int, cells: list[str]) -> TraceRow:
    try:
        second, requests = (int(cell) for cell in cells)
    except ValueError as error:
        raise _wrong(file, number, "it does not have two whole numbers") from error
    if second < 0 or requests < 0:
        raise _wrong(file, number, "it has a number below zero")
    return TraceRow(second, requests)


def _wrong(file: str, line: int, why: str) -> InvalidInput:
    return InvalidInput(f"Line {line} of `{file}` cannot be used: {why}.", hint=AS_IN)
