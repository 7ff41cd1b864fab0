"""The client fills in variables, the server secrets; `$$` is a plain `$`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import InvalidInput, MissingVariable, UnknownSecret
from spec.interpolation import fill_env, fill_secrets, secrets_needed
from spec.reference import find_references
from tests.spec.writing import read, service


def test_references_are_found_in_order() -> None:
    text = "${{ env.USER }}:${{secrets.my-token}} $${{ env.NOT }} $HOME"
    assert [(found.source, found.name) for found in find_references(text)] == [
        ("env", "USER"),
        ("secrets", "my-token"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${{ env.A }}/${{ secrets.B }}", "alpha/beta"),
        ("a$$b", "a$b"),
        ("$${{ env.A }}", "${{ env.A }}"),
        ("$$${{ env.A }}", "$alpha"),
        ("$HOME ${X} $(date)", "$HOME ${X} $(date)"),
        ("", ""),
    ],
)
def test_references_are_filled_in_and_escapes_resolved(text: str, expected: str) -> None:
    assert fill_secrets(fill_env(text, {"A": "alpha"}), {"B": "beta"}) == expected


@given(st.text())
def test_a_value_is_taken_for_what_it_is(value: str) -> None:
    filled = fill_env("${{ env.A }}", {"A": value + "${{ secrets.B }}$$"})
    assert fill_secrets(filled, {"B": "secret"}) == value + "${{ secrets.B }}$$"


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(MissingVariable, match=r"env\.A"):
        fill_env("${{ env.A }}", {})
    with pytest.raises(UnknownSecret, match="`B`"):
        fill_secrets("${{ secrets.B }}", {})
    with pytest.raises(MissingVariable):
        fill_secrets("${{ env.A }}", {})


@pytest.mark.parametrize("text", ["${{ dstack.rank }}", "${{ A }}", "${{ }}", "${{ env.a b }}"])
def test_a_reference_to_anything_else_is_an_error_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(InvalidInput, match="neither"):
        find_references(text)


def test_a_configuration_tells_which_secrets_it_needs() -> None:
    auth = {"username": "${{ env.USER }}", "password": "${{ secrets.registry }}"}
    env = {"TOKEN": "${{ secrets.token }}", "PLAIN": "$${{ secrets.not }}"}
    configuration = read(service(env=env, registry_auth=auth))
    assert secrets_needed(configuration) == {"registry", "token"}
