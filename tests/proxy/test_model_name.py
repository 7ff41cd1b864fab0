"""The name of a model: as Python's own parser finds it, in whatever pieces the body comes."""

import json
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.model_name import DEEPEST, LONGEST, ModelName, at_once

LONG = "x" * (LONGEST + 1)


def found(body: bytes, *cuts: int) -> str | None:
    """The name in a body that is cut at these places; `ValueError` when it is no JSON object."""
    model = ModelName()
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        model.feed(body[start:end])
    model.end()
    return model.name


def by_python(body: bytes) -> str | None:
    """The same by building the whole."""
    value = json.loads(body.decode("utf-8-sig"))
    if not isinstance(value, dict):
        raise ValueError("no object")
    name = value.get("model")
    return name if isinstance(name, str) else None


def outcome(find: object, *arguments: object) -> object:
    assert callable(find)
    try:
        return find(*arguments)
    except ValueError:
        return ValueError


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["model", "a", "\n", "é"]), inner, max_size=4)
    ),
    max_leaves=20,
)
TOKENS = st.sampled_from(
    (
        *'"\\x{}[],:1-0 \n\0\x0bé',
        *('{"model":', '"model"', "\\u006d", "\\ud800"),
        *(".5", "e9", "true", "NaN", "-Infinity", "null"),
    )
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(["model", "x"]), VALUES), st.data())
def test_the_name_is_found_wherever_the_body_is_cut(
    value: dict[str, object], data: st.DataObject
) -> None:
    indent = data.draw(st.sampled_from([None, 1]))
    ascii_only = data.draw(st.booleans())
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    body = text.encode(errors="replace")
    cuts = data.draw(st.lists(st.integers(0, 1000), max_size=4))
    assert found(body, *cuts) == at_once(body) == by_python(body)


@settings(deadline=None, max_examples=1000)
@given(st.lists(TOKENS, max_size=12).map("".join), st.lists(st.integers(0, 50), max_size=3))
@example('{"model":"a" "b":1}', [])
@example('{"model":"a":1,"b":2}', [])
@example('{"a":[1,2],3}', [])
@example('{"a":1,2}', [])
@example('{"a":"b","model":"c"}', [7, 8])
@example('{"model":"a"} x', [])
@example('{"model":"a"}}', [])
@example('{"model":"a","b":1.}', [])
@example('{"model":"a","b":01}', [])
@example('{"model":"a",}', [])
@example('{"model":"a","b":[1,]}', [])
@example('{"model":"a","b":[}]', [])
@example('{"\\u006dodel":"a"}', [5])
@example('{"model":"\\ud800"}', [12])
def test_what_is_json_and_what_is_not_is_as_python_has_it(text: str, cuts: list[int]) -> None:
    for body in (text.encode(), b'{"x":' + text.encode() + b"}", b"\xef\xbb\xbf" + text.encode()):
        expected = outcome(by_python, body)
        assert outcome(found, body, *cuts) == expected
        assert outcome(at_once, body) == expected


@settings(deadline=None, max_examples=500)
@given(
    st.dictionaries(st.sampled_from(["model", "x"]), VALUES, min_size=1),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3), st.binary(max_size=3)), max_size=3),
    st.lists(st.integers(0, 300), max_size=4),
)
def test_a_damaged_body_is_read_as_python_reads_it(
    value: dict[str, object], damage: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    body = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    for place, gone, change in damage:
        at = place % (len(body) + 1)
        body = body[:at] + change + body[at + gone :]
    expected = outcome(by_python, body)
    assert outcome(found, body, *cuts) == expected
    assert outcome(at_once, body) == expected


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"model": "a", "model": "b"}', "b"),
        (b'{"model": "a", "model": 1}', None),
        (b'{"model": {"model": "a"}}', None),
        (b'{"x": {"model": "a"}, "y": [{"model": "b"}]}', None),
        (b'{"model": ["a"], "x": "b"}', None),
        (b'{"x": "model", "y": "a"}', None),
        (json.dumps({"a": LONG, "model": "m", "b": LONG + '\n"\\'}).encode(), "m"),
        (json.dumps({LONG: LONG, "b": [LONG, LONG], "model": "m"}).encode(), "m"),
        (json.dumps({"model": LONG}).encode(), None),
    ],
)
def test_only_the_last_of_the_object_itself_counts(body: bytes, name: str | None) -> None:
    for size in (1, 5, 1000, len(body)):
        assert found(body, *range(0, len(body), size)) == name
    assert at_once(body) == name


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "\xff"}',
        b'{"model": "\xc3',
        '{"model": "m"}'.encode("utf-16"),
        b'{"model": "m", "a": ' + b"9" * 3 * LONGEST + b"}",
        b'{"model": "m", "a": "' + LONG.encode() + b'\n"}',
        b'{"model": "m", "a": "' + LONG.encode() + b'\\x"}',
        b'{"model": "m", "a": "' + LONG.encode(),
        b'{"model": "m", "a": ' + b"[" * DEEPEST + b"]" * DEEPEST + b"}",
        b"[" * 200_000,
    ],
)
def test_what_is_no_utf8_or_has_no_end_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what is wrong with it is nobody's business
        found(body, *range(0, len(body), 1000))
    with pytest.raises(ValueError):  # noqa: PT011
        at_once(body)


def test_it_remembers_little_of_a_large_body() -> None:
    model = ModelName()
    model.feed(b'{"model": "m", "a": [')
    for _ in range(2000):
        model.feed(b'[], "x", 17, {"y": "' + b"z" * 5000)
        model.feed(b'"},')
        assert len(model._cut) <= LONGEST
    model.feed(b"0]}")
    model.end()
    assert model.name == "m"
