"""The `model` that a JSON object names, found in pieces and without building the rest. Pure."""

import codecs
import json
import re

LONGEST = 4096
"""Characters of a name, a key or a number that are looked at. Python's own bound for integers."""

DEEPEST = 1000
"""Levels of nesting: as many as Python's own parser takes, and more than any API needs."""

_BLANKS = " \t\n\r"
_BLANK = rf"[{_BLANKS}]*+"
_INSIDE = r'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?"
_SCALAR = rf'(?:"{_INSIDE}"|{_NUMBER}|-?Infinity|NaN|true|false|null)'

_MARKS = rf"{_BLANK}(?:([\[\]{{}},:][\[\]{{}},:{_BLANKS}]*+)"
_ENDED = rf"(?=[{_BLANKS},:\]}}]))"
_IN_OBJECT = re.compile(rf"{_MARKS}|({_SCALAR}){_ENDED}")
_IN_ARRAY = re.compile(rf"{_MARKS}|(?:{_SCALAR}{_BLANK},{_BLANK})*({_SCALAR}){_ENDED}")
"""Punctuation, or scalars: of those with commas between only the last is told."""

_REST_OF_STRING = re.compile(_INSIDE)
_CUT = re.compile(r"[-+.0-9A-Za-z]*+")

# What may come next: punctuation stands for itself, and `0` for a scalar.
_OBJECT, _VALUE, _KEY, _FIRST_KEY, _COLON = "{", "0[{", "0", "0}", ":"
_FIRST = {"[": _VALUE + "]", "{": _FIRST_KEY}
_NEXT = {"[": _VALUE, "{": _KEY}
_MORE = {"[": ",]", "{": ",}"}


class ModelName:
    """Reads the bytes of one body, cut anywhere; `ValueError` when it is not a JSON object.

    `name` is what its own `model` says, not that of an object within it; of several the last one
    counts, as in Python's `json`. It is None without one that is a string of `LONGEST` characters.
    JSON is UTF-8 (RFC 8259, 8.1); a byte order mark is ignored. What is remembered is `LONGEST`
    characters and one for each level of nesting.
    """

    def __init__(self) -> None:
        self.name: str | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._cut = ""  # a token that the last piece did not end
        self._in_string = False  # a long one, of which only the end matters
        self._want = _OBJECT
        self._open: list[str] = []
        self._naming = False  # the next value is that of `model`

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        self._read(self._decoder.decode(data))

    def end(self) -> None:
        """There are no more."""
        self._read(self._decoder.decode(b"", final=True) + " ")
        if self._want or self._cut:
            raise ValueError("it ends too early")

    def _read(self, text: str) -> None:
        text, self._cut = self._cut + text, ""
        at, end, nesting = 0, len(text), self._open
        if self._in_string:
            at = self._finish_string(text, 0)
        while at < end:
            in_array = nesting and nesting[-1] == "["
            tokens = (_IN_ARRAY if in_array else _IN_OBJECT).match(text, at)
            if tokens is None:
                at = self._cut_off(text, at)
                continue
            at = tokens.end()
            if marks := tokens[1]:
                self._marks(marks)
            else:
                self._scalar(tokens[2])

    def _marks(self, marks: str) -> None:
        """Punctuation, with blanks between."""
        want, nesting = self._want, self._open
        for mark in marks:
            if mark in want:
                if mark in "[{":
                    self._value(None)
                    if len(nesting) == DEEPEST:
                        raise ValueError("it is nested too deep")
                    nesting.append(mark)
                    want = _FIRST[mark]
                elif mark == ",":
                    want = _NEXT[nesting[-1]]
                elif mark == ":":
                    want = _VALUE
                else:
                    nesting.pop()
                    want = _MORE[nesting[-1]] if nesting else ""
            elif mark not in _BLANKS:
                raise ValueError(f"`{mark}` is out of place")
        self._want = want

    def _scalar(self, raw: str) -> None:
        """A key, or a value. A `"` alone stands for a long string."""
        want = self._want
        if want[:1] != "0":
            raise ValueError("a value is out of place")
        if want is not _KEY and want is not _FIRST_KEY:
            self._value(raw)
            self._want = _MORE[self._open[-1]]
        elif raw[0] == '"':
            self._naming = len(self._open) == 1 and _text(raw) == "model"
            self._want = _COLON
        else:
            raise ValueError("a key is no string")

    def _value(self, raw: str | None) -> None:
        if self._naming:
            self.name, self._naming = _text(raw), False

    def _cut_off(self, text: str, at: int) -> int:
        """No token is whole here: keep what there is for the next piece. Where to go on."""
        rest = text[at:].lstrip(_BLANKS)
        if rest[:1] == '"' and len(rest) > LONGEST:
            self._scalar('"')
            return self._finish_string(text, text.index('"', at) + 1)
        if rest[:1] != '"' and (len(rest) > LONGEST or _CUT.fullmatch(rest) is None):
            raise ValueError("it is not JSON")
        self._cut = rest
        return len(text)

    def _finish_string(self, text: str, at: int) -> int:
        """Pass over a long string; where to go on."""
        inside = _REST_OF_STRING.match(text, at)
        assert inside is not None
        at = inside.end()
        rest = text[at : at + 6]
        self._in_string = rest[:1] != '"'
        if not self._in_string:
            return at + 1
        if rest and (rest[0] != "\\" or len(rest) == 6):
            raise ValueError("it is not JSON")
        self._cut = rest
        return len(text)


def at_once(body: bytes) -> str | None:
    """The same for a small body, by Python's own parser: ten times as fast, but it builds all."""
    try:
        value = json.loads(body.removeprefix(codecs.BOM_UTF8).decode())
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    name = value.get("model")
    return name if isinstance(name, str) and len(name) <= LONGEST else None


def _text(raw: str | None) -> str | None:
    """The string that this is; None for another value, and for one that is too long."""
    if raw is None or raw[0] != '"' or not 2 <= len(raw) <= LONGEST:
        return None
    text: str = json.loads(raw)
    return text
