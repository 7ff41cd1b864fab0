"""One law of style: messages and hints of errors are sentences, in all rooms."""

import inspect
from pathlib import Path

import pytest

from perdure import errors
from perdure.errors import PerdureError, sentence
from tests.perdure.wording import Text, texts

ROOT = Path(__file__).parents[2]
ROOMS = (
    *("perdure", "spec", "policy", "engine", "workflows", "activities", "backends", "catalog"),
    *("hosts", "store", "worker", "api", "proxy", "cli", "server", "doctor"),
)
TREE = frozenset(
    name
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, PerdureError)
)


def found(room: str) -> list[Text]:
    return [
        text
        for file in sorted((ROOT / room).rglob("*.py"))
        for text in texts(file, str(file.relative_to(ROOT)), TREE)
    ]


def test_what_breaks_the_law_is_named_by_file_line_and_text(tmp_path: Path) -> None:
    (tmp_path / "room.py").write_text(
        """HINT = "write it anew"
def fail(name):
    if name:
        raise NotFound(f"there is no run `{name}`.", hint=HINT)
    why = "Nothing runs"
    raise Conflict(why, hint="Start it." if name else "Stop it: {name}")
"""
    )
    told = list(texts(tmp_path / "room.py", "room.py", TREE))
    assert [str(text) for text in told if not text.begins] == [
        "room.py:4: message: there is no run `{}`.",
        "room.py:1: hint: write it anew",
    ]
    assert [str(text) for text in told if not text.ends] == [
        "room.py:1: hint: write it anew",
        "room.py:5: message: Nothing runs",
        "room.py:6: hint: Stop it: {name}",
    ]


def test_the_words_of_another_program_get_a_full_stop_where_they_have_none() -> None:
    assert sentence("Docker fails: no space left\n") == "Docker fails: no space left."
    assert sentence("Docker fails: No space left.") == "Docker fails: No space left."


@pytest.mark.parametrize("room", ROOMS)
def test_messages_and_hints_begin_with_a_capital_letter_or_a_name(room: str) -> None:
    wrong = "\n".join(str(text) for text in found(room) if not text.begins)
    assert not wrong, f"no beginning of a sentence:\n{wrong}"


@pytest.mark.parametrize("room", ROOMS)
def test_messages_and_hints_end_as_sentences_do(room: str) -> None:
    wrong = "\n".join(str(text) for text in found(room) if not text.ends)
    assert not wrong, f"no end of a sentence:\n{wrong}"
