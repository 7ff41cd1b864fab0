"""The reference of the errors, from their tree."""

from collections.abc import Iterator

from perdure.errors import PerdureError
from tests.docs.table import MADE, code, table

HOST_ERRORS = "host_error"

INTRODUCTION = f"""# Errors

{MADE}

An error has a `code`, which never changes, a message that says what happened and why, and often a
hint that says what to do. The API answers `{{"error": {{"code": …, "message": …, "hint": …}}}}`
with the status below. The command line prints both to stderr and ends with the exit code below. The
[proxy](../concepts/proxy.md#answers-of-the-proxy-itself) has codes of its own.

A code is indented below the one that it is a kind of. Those below `host_error` happen where
replicas run: they are the reason in a run's status, not the answer to a request."""


def page() -> str:
    """The whole page."""
    header = ("Code", "HTTP status", "Exit code", "Meaning")
    return f"{INTRODUCTION}\n\n{table(header, _rows(PerdureError, 0))}\n"


def errors(kind: type[PerdureError] = PerdureError) -> Iterator[type[PerdureError]]:
    """All errors below one, parents first, in the order of their declaration."""
    for each in kind.__subclasses__():
        if each.__module__ == PerdureError.__module__:
            yield each
            yield from errors(each)


def _rows(kind: type[PerdureError], depth: int) -> Iterator[tuple[str, ...]]:
    for each in kind.__subclasses__():
        if each.__module__ == PerdureError.__module__:
            meaning = (each.__doc__ or "").split("\n")[0]
            indent = "&ensp;" * 2 * depth
            shown = (code(str(each.http_status)), code(str(each.exit_code)))
            yield (indent + code(each.code()), *shown, meaning)
            yield from _rows(each, depth + 1)
