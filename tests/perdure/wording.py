"""The messages and hints that the code gives to the errors that it raises, read from its syntax."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPOSED = frozenset({"named", "_quoted", "_listed"})
"""Functions whose result begins a sentence: a name in backticks, or a capital letter."""
ENDED = "sentence"
"""The function of `perdure.errors` that ends the words of another program."""
PLACES = {
    "problem": (0, None),
    "failure": (2, None),
    ".failure": (1, None),
    "._failure": (1, 2),
    "Complaint": (1, 2),
    "Refusal": (1, 2),
}
"""Where message and hint stand in what is no class of the tree; None: by name only."""


@dataclass(frozen=True)
class Text:
    """A text as it is written: `{}` stands for what is put in when it is made."""

    place: str
    kind: str
    text: str
    begins: bool
    ends: bool

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}: {self.text}"


def texts(file: Path, shown: str, errors: frozenset[str]) -> Iterator[Text]:
    """The texts that `file` gives to the classes named in `errors`, and to `PLACES`."""
    tree = ast.parse(file.read_text())
    known = _assigned(tree.body)
    for scope in (tree, *(node for node in ast.walk(tree) if isinstance(node, _SCOPES))):
        local = known | _assigned(list(_own(scope))) if isinstance(scope, _SCOPES) else known
        for node in _own(scope):
            if isinstance(node, ast.Call) and (found := _places(node, errors)) is not None:
                for kind, given in _given(node, *found):
                    for part in _alternatives(given, local):
                        yield _text(f"{shown}:{part.lineno}", kind, part)


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef)


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """What is in a scope, without the functions in it."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, _SCOPES):
            yield from _own(node)


def _assigned(nodes: list[ast.AST] | list[ast.stmt]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _places(call: ast.Call, errors: frozenset[str]) -> tuple[int, int | None] | None:
    name = _name(call.func)
    if name in errors:
        return (0, None)
    return PLACES.get(f".{name}" if isinstance(call.func, ast.Attribute) else name)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _given(call: ast.Call, message: int, hint: int | None) -> Iterator[tuple[str, ast.expr]]:
    for kind, place in (("message", message), ("hint", hint)):
        if place is not None and place < len(call.args):
            yield kind, call.args[place]
        yield from ((kind, word.value) for word in call.keywords if word.arg == kind)


def _alternatives(given: ast.expr, known: dict[str, list[ast.expr]]) -> Iterator[ast.expr]:
    """The literal and f-string texts that an expression can be."""
    match given:
        case ast.IfExp(body=one, orelse=other):
            choices = [one, other]
        case ast.BoolOp(values=choices):
            pass
        case ast.Name(id=name):
            choices = [each for each in known.get(name, ()) if not isinstance(each, ast.Name)]
        case ast.Subscript(value=ast.Name(id=name)):
            tables = [each for each in known.get(name, ()) if isinstance(each, ast.Dict)]
            choices = [value for table in tables for value in table.values]
        case ast.Constant(value=str(text)) if text:
            yield given
            return
        case ast.JoinedStr() | ast.BinOp():
            yield given
            return
        case _:
            if _is_call(given, {ENDED}):
                yield given
            return
    for choice in choices:
        yield from _alternatives(choice, known)


def _text(place: str, kind: str, given: ast.expr) -> Text:
    pieces = list(_pieces(given))
    text = "".join(piece if isinstance(piece, str) else "{}" for piece in pieces)
    ended = not isinstance(pieces[-1], str) and _is_call(pieces[-1], {ENDED})
    return Text(place, kind, text, _begins(pieces[0]), ended or _ends(text))


def _pieces(given: ast.expr) -> Iterator[str | ast.expr]:
    """Its written parts and what is put between them, in order."""
    if isinstance(given, ast.Constant):
        yield str(given.value)
    elif isinstance(given, ast.JoinedStr):
        for value in given.values:
            yield from _pieces(value.value if isinstance(value, ast.FormattedValue) else value)
    elif isinstance(given, ast.BinOp):
        yield from _pieces(given.left)
        yield from _pieces(given.right)
    elif _is_call(given, {ENDED}) and isinstance(given, ast.Call):
        yield from _pieces(given.args[0])
        yield given
    else:
        yield given


def _begins(first: str | ast.expr) -> bool:
    if isinstance(first, str):
        return first[:1].isupper() or first[:1] in ("`", "“")
    return _is_call(first, COMPOSED)


def _ends(text: str) -> bool:
    """By a full stop or a question mark; below a list may stand."""
    first, _, below = text.partition("\n")
    return first.endswith((".", ":") if below else (".", "?"))


def _is_call(node: ast.expr, names: frozenset[str] | set[str]) -> bool:
    return isinstance(node, ast.Call) and _name(node.func) in names
