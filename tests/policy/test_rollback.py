"""To which revision one goes back."""

from dataclasses import dataclass

import pytest

from perdure.errors import Conflict, NotFound
from policy.rollback import numbered, previous
from spec.run_spec import RunSpec
from tests.policy.making import run, spec


@dataclass(frozen=True)
class Kept:
    number: int
    spec: RunSpec


def kept(*ports: int) -> list[Kept]:
    """Revisions that asked for these ports, the first one first; told newest first."""
    return [Kept(number, spec(port=port)) for number, port in enumerate(ports, start=1)][::-1]


@pytest.mark.parametrize(
    ("ports", "now", "undone", "back"),
    [
        ((1, 2), 2, (), 1),
        ((1, 2, 2), 2, (), 1),
        ((1, 2, 1), 1, (), 2),
        ((1, 2, 3), 3, (2,), 1),
        ((1, 2, 3), 2, (3,), 1),
        ((1, 2), 9, (), 2),
    ],
)
def test_it_is_the_last_before_the_present_that_asked_for_another_thing_and_stayed(
    ports: tuple[int, ...], now: int, undone: tuple[int, ...], back: int
) -> None:
    state = run(spec(port=now), revision=len(ports) + (now not in ports))
    assert previous(kept(*ports), state, undone).number == back


@pytest.mark.parametrize("ports", [(), (1,), (1, 1)])
def test_without_another_one_there_is_nothing_to_go_back_to(ports: tuple[int, ...]) -> None:
    with pytest.raises(Conflict, match="nothing to go back to"):
        previous(kept(*ports), run(spec(port=1), revision=len(ports)))


def test_a_number_is_looked_up_and_those_that_there_are_are_named() -> None:
    assert numbered(kept(1, 2), "web", 1).spec.configuration.port == 1
    with pytest.raises(NotFound, match="has no revision 3") as told:
        numbered(kept(1, 2), "web", 3)
    assert told.value.hint == "It has 1, 2."
    with pytest.raises(NotFound) as told:
        numbered([], "web", 3)
    assert told.value.hint == ""
