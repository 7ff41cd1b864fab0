"""The reference of the errors: their tree, and what is said of each line of the bad-input list."""

from collections.abc import Iterator

from perdure.errors import PerdureError
from tests.docs.table import MADE, code, table
from tests.e2e.bad_input.line import Line
from tests.e2e.bad_input.lines import TOPICS

INTRODUCTION = f"""# Errors

{MADE}

An error has a `code`, which never changes, a message that says what happened and why, and a hint
that says what to do. The API answers `{{"error": {{"code": …, "message": …, "hint": …}}}}` with the
status below, and so does the [proxy](concepts/proxy.md#answers-of-the-proxy-itself), in front of
API and services. The command line prints both to stderr and ends with the exit code below."""

CODES = """## Codes

A code is indented below the one that it is a kind of. Those below `host_error` happen where
replicas run: a run that fails ends with one of them. `apply` prints it, and `ps -v` has it, with
the last lines of the log. `perdure_error` is the root of them all; as the code of an error it means
that none of the others fits."""

SITUATIONS = """## Situations

What is printed in each, as the tests see it: for each there is one that makes it happen. Names of
machines, ports and folders are other ones where you are."""


def page() -> str:
    """The whole page."""
    header = ("Code", "HTTP status", "Exit code", "Meaning")
    topics = (f"### {topic}\n\n{_situations(lines)}" for topic, lines in TOPICS.items())
    tree = table(header, [_row(PerdureError, 0), *_rows(PerdureError, 0)])
    return "\n\n".join((INTRODUCTION, CODES, tree, SITUATIONS, *topics)) + "\n"


def errors(kind: type[PerdureError] = PerdureError) -> Iterator[type[PerdureError]]:
    """All errors below one, parents first, in the order of their declaration."""
    for each in kind.__subclasses__():
        if each.__module__ == PerdureError.__module__:
            yield each
            yield from errors(each)


def _rows(kind: type[PerdureError], depth: int) -> Iterator[tuple[str, ...]]:
    for each in kind.__subclasses__():
        if each.__module__ == PerdureError.__module__:
            yield _row(each, depth)
            yield from _rows(each, depth + 1)


def _row(kind: type[PerdureError], depth: int) -> tuple[str, ...]:
    meaning = (kind.__doc__ or "").split("\n")[0]
    indent = "&ensp;" * 2 * depth
    shown = (code(str(kind.http_status)), code(str(kind.exit_code)))
    return (indent + code(kind.code()), *shown, meaning)


def _situations(lines: tuple[Line, ...]) -> str:
    return "\n\n".join(map(_situation, lines))


def _situation(line: Line) -> str:
    parts = [f"**{line.situation}**"]
    if line.file:
        parts.append(_block(line.file))
    prompt = "" if line.is_request else "$ "
    parts.append(_block(f"{prompt}{line.given}\n{line.shown}"))
    ends = "HTTP status" if line.is_request else "Exit code"
    parts.append(f"{ends} `{line.ends}`.")
    return "\n\n".join(parts)


def _block(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"
