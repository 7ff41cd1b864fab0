"""Whatever a file holds, it is read or refused in words, and soon."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.errors import InvalidConfiguration
from spec.reader import read_configuration, read_profiles
from spec.service import ServiceConfiguration
from tests.spec.strategies import anything
from tests.spec.writing import SERVICE, read, refused, service


def test_aliases_cannot_make_a_small_file_large() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    error = refused(SERVICE + "a0: &a0 [x]\n" + "\n".join(levels))
    assert "through its aliases" in error.message


@given(st.sampled_from(sorted(ServiceConfiguration.model_fields)), anything)
@settings(max_examples=300)
def test_whatever_is_written_is_read_or_refused_in_words(field: str, value: object) -> None:
    with contextlib.suppress(InvalidConfiguration):
        assert read(service(**{field: value})).model_dump(mode="json")


SEED = [path.read_text() for path in sorted((Path(__file__).parent / "seed").glob("*.yml"))]
ODD = st.sampled_from(
    (
        *(
            "&a ",
            "*a",
            "<<: *a\n",
            "? ",
            "- ",
            ": ",
            "{",
            "}",
            "[",
            "]",
            "!!int ",
            "!x ",
            "|\n",
            ">",
        ),
        *(
            "\n",
            "\t",
            "\0",
            "\x85",
            "\ufeff",
            "\ud800",
            "%YAML 9.9\n",
            "---\n",
            "'",
            '"',
            "#",
            "\\",
        ),
        *(
            "9" * 400,
            "1e999",
            "0x" + "f" * 400,
            ":59" * 99,
            "2001-99-99",
            "null",
            "~",
            "${{ env.A }}",
        ),
    )
)


@given(
    text=st.sampled_from(SEED),
    damage=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 30), ODD), max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_or_refused_in_words(
    text: str, damage: list[tuple[int, int, str]]
) -> None:
    for place, gone, odd in damage:
        at = place % (len(text) + 1)
        text = text[:at] + odd + text[at + gone :]
    for read_it in (read_configuration, read_profiles):
        with contextlib.suppress(InvalidConfiguration):
            read_it(text, "service.dstack.yml")


@pytest.mark.parametrize(
    "value",
    [
        "9" * 100_000,
        "0x" + "f" * 100_000,
        "1" + ":59" * 50_000,
        "1e999999999",
        "&a [*a]",
        "&a {A: *a}",
        "{a: " * 3_000 + "1" + "}" * 3_000,
        "!!binary ////",
        "!!timestamp foo",
        "!!python/object/apply:os.system [x]",
        "${{" * 50_000,
    ],
    ids=lambda value: value[:12],
)
@pytest.mark.parametrize("name", ["name", "port", "env", "commands", "resources", "replicas"])
def test_values_that_grow_or_never_end_are_refused_in_words(name: str, value: str) -> None:
    with contextlib.suppress(InvalidConfiguration):
        read_configuration(f"type: service\n{name}: {value}\n", "service.dstack.yml")
