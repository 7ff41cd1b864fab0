"""From a YAML parser's complaint to a sentence for people: what is wrong, and what to do.

Nothing of the file is repeated but single punctuation marks: the rest may be a part of a secret.
"""

import re
from collections.abc import Callable

import yaml

from perdure.errors import InvalidConfiguration, sentence
from spec.position import Position, failure

_KEY = re.compile(r"\s*(- +)*[^\s#].*?:(\s|$)")
"""A line's beginning up to its first key's colon."""

_END = "found unexpected end of stream"
"""What begins somewhere and does not end: its beginning is the place."""

_OPEN = "but got '<stream end>'"
"""The same of a list or a mapping in brackets."""

_Told = tuple[str, str]
"""A message, and a hint."""

_INDENTATION = (
    "This line is not indented as those around it.",
    "What is of one level begins in the same column, and each level below two columns further.",
)
_NO_COLON = ("A line before this one has no `:` after its key.", "Write `key: value`.")
_COLON = (
    "A value that holds `: ` needs quotes.",
    "Write the value in quotes, as in `key: 'a: b'`.",
)


def syntax_error(error: yaml.MarkedYAMLError, text: str, file: str) -> InvalidConfiguration:
    """The error for what is no YAML; `text` is the whole file."""
    mark = error.problem_mark or error.context_mark
    if _is_without_end(error) and error.context_mark:
        mark = error.context_mark
    position = Position.of(mark) if mark else Position(1, 1)
    lines = text.split("\n")
    line = lines[position.line - 1] if position.line <= len(lines) else ""
    message, hint = _told(error, line, position.column - 1)
    return failure(file, position, message, hint=hint)


def _is_without_end(error: yaml.MarkedYAMLError) -> bool:
    return error.problem == _END or _OPEN in str(error.problem)


def _told(error: yaml.MarkedYAMLError, line: str, column: int) -> _Told:
    problem, context = error.problem or error.context or "it cannot be read", error.context or ""
    if context == "expected a single document in the stream":
        return "The file holds several documents.", "Keep one, and remove the `---` between them."
    for sign, tell in _KNOWN:
        if sign in f"{context}; {problem}":
            return tell(line, column)
    # A word in quotation marks is the user's, and may be a part of a secret.
    words = re.sub(r" '[^'<]{2,}'.*", "", problem, flags=re.DOTALL)
    return sentence(f"This is not valid YAML: {words}"), ""


def _tab(_line: str, _column: int) -> _Told:
    return "YAML is indented with spaces, and here is a tab.", "Put spaces in its place."


def _mapping(line: str, column: int) -> _Told:
    """A colon where none can be: in a value, or after a key that is indented too far."""
    first = _KEY.match(line)
    if first and first.end() <= column:
        return _COLON
    return _INDENTATION if line[:1] in (" ", "-") else _NO_COLON


def _mark(line: str, column: int) -> _Told:
    before = line[:column].rstrip("*&")
    mark = line[len(before) : len(before) + 1]
    shown = "a backtick" if mark == "`" else f"`{mark}`"
    return (
        f"A value that begins with {shown} needs quotes.",
        "Values that begin with `*`, `&`, `!`, `%`, `@` or a backtick need quotes.",
    )


def _brackets(_line: str, _column: int) -> _Told:
    return "A bracket is opened and not closed.", "Close it: `[` by `]`, `{` by `}`."


def _quotes(_line: str, _column: int) -> _Told:
    return "A quotation mark is opened and not closed.", "Close it, or remove it."


def _block(line: str, column: int) -> _Told:
    """A level ended, and what follows is at none: or a value goes on after its quotes."""
    if line[:column].strip(" -"):
        return (
            "After a quoted value, or a list or mapping in brackets, nothing may follow.",
            "Put the whole value in quotes.",
        )
    return _INDENTATION


def _colon(_line: str, _column: int) -> _Told:
    return _NO_COLON


def _list(_line: str, _column: int) -> _Told:
    return "A list cannot begin here.", "Begin it in a line of its own, or write `[a, b]`."


_KNOWN: tuple[tuple[str, Callable[[str, int], _Told]], ...] = (
    ("found character '\\t'", _tab),
    ("mapping values are not allowed here", _mapping),
    ("expected <block end>", _block),
    ("expected '<document start>'", _block),
    (_OPEN, _brackets),
    (f"while scanning a quoted scalar; {_END}", _quotes),
    ("while scanning an alias", _mark),
    ("while scanning an anchor", _mark),
    ("found undefined alias", _mark),
    ("cannot start any token", _mark),
    ("could not find expected ':'", _colon),
    ("sequence entries are not allowed here", _list),
)
"""Signs of what is wrong in the parser's words, and what tells it."""
