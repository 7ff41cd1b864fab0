"""Where the values of `env` come from."""

from typing import Any

import pytest

from cli.environment import with_values
from perdure.errors import InvalidInput, MissingVariable
from spec.interpolation import fill_secrets
from spec.service import ServiceConfiguration

PROCESS = {"TOKEN": "from process", "HOME": "/root"}


def asked(**properties: Any) -> ServiceConfiguration:
    return ServiceConfiguration(port=80, commands=("x",), **properties)


def values(env: list[str], *given: str) -> dict[str, str]:
    """What the container will see."""
    found = with_values(asked(env=env), given, PROCESS).env
    return {name: fill_secrets(value or "", {"S": "secret"}) for name, value in found.items()}


def test_a_name_alone_takes_the_value_given_else_that_of_the_process() -> None:
    assert values(["TOKEN"]) == {"TOKEN": "from process"}
    assert values(["TOKEN"], "TOKEN=typed") == {"TOKEN": "typed"}


def test_what_is_typed_wins_over_the_file_and_adds_to_it() -> None:
    assert values(["A=file"], "A=typed", "B=2", "HOME") == {"A": "typed", "B": "2", "HOME": "/root"}


def test_a_name_without_a_value_is_named() -> None:
    with pytest.raises(MissingVariable, match="`HF_TOKEN` has no value") as told:
        values(["HF_TOKEN"])
    assert "-e HF_TOKEN=" in told.value.hint
    with pytest.raises(MissingVariable, match="`NOPE`"):
        values([], "NOPE")


def test_values_of_people_are_taken_as_they_are() -> None:
    literal = "a$$b ${{ secrets.S }}"
    assert values([], f"A={literal}") == {"A": literal}


def test_references_in_the_file_are_filled_in() -> None:
    file = ["HOME=${{ env.HOME }}/x", "B=${{ env.A }}", "A=1$$", "C=${{ secrets.S }}"]
    assert values(file) == {"HOME": "/root/x", "B": "1$", "A": "1$", "C": "secret"}


def test_registry_credentials_refer_to_the_same_values() -> None:
    auth = {"username": "$$oauthtoken", "password": "${{ env.KEY }}"}
    found = with_values(asked(registry_auth=auth, env=["KEY=k"]), (), PROCESS).registry_auth
    assert found is not None
    assert (found.username, found.password) == ("$$oauthtoken", "k")
    with pytest.raises(MissingVariable, match=r"env\.KEY"):
        with_values(asked(registry_auth=auth), (), PROCESS)


def test_what_is_no_name_is_refused_without_being_repeated() -> None:
    with pytest.raises(InvalidInput) as told:
        values([], "my-s3cret")
    assert "s3cret" not in told.value.message
