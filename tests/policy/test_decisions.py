"""A run remembers what it decided until that is kept, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.decisions import LARGEST_UNKEPT, LEFT_OUT, MOST_UNKEPT, kept, noted
from spec.decision import Rejected, Rule
from spec.run import RunState
from tests.policy.making import NOW, run


def deciding(state: RunState, count: int, words: int = 1, options: int = 0) -> RunState:
    rejected = (Rejected(option="aws", why="w" * words),) * options
    for _ in range(count):
        state = noted(state, NOW, Rule.SCALED, "o" * words, {"fact": "f" * words}, rejected)
    return state


def left_out(state: RunState) -> str | None:
    return state.decisions[0].inputs.get(LEFT_OUT)


def test_while_the_store_is_away_the_newest_thousand_are_remembered() -> None:
    full = deciding(run(), MOST_UNKEPT)
    assert (len(full.decisions), left_out(full)) == (MOST_UNKEPT, None)
    state = deciding(full, 7)
    assert (len(state.decisions), state.decisions[-1].number) == (MOST_UNKEPT, MOST_UNKEPT + 7)
    assert left_out(state) == "7"
    assert not any(LEFT_OUT in each.inputs for each in state.decisions[1:])
    assert state.decisions[0].inputs["fact"] == "f"


@pytest.mark.parametrize(("words", "options"), [(5_000, 0), (100, 50), (10, 1)])
def test_what_is_remembered_fits_into_a_message(words: int, options: int) -> None:
    state = deciding(run(), MOST_UNKEPT + 100, words, options)
    assert len(state.model_dump_json()) < 1.2 * LARGEST_UNKEPT
    assert left_out(state) == str(state.decisions[0].number - 1)


def test_one_that_is_too_large_alone_is_remembered() -> None:
    assert len(deciding(run(), 3, LARGEST_UNKEPT).decisions) == 1


def test_those_that_were_under_way_to_the_store_are_not_left_out() -> None:
    state = deciding(run(), MOST_UNKEPT + 30)
    assert left_out(kept(state, 10)) == "20"
    assert left_out(kept(state, 30)) is None
    assert left_out(kept(state, 31)) is None
    assert kept(state, MOST_UNKEPT + 30).decisions == ()


@given(st.integers(1, 40), st.integers(0, 60), st.integers(0, 100))
def test_numbers_have_no_gap_and_the_oldest_tells_of_all_before_it(
    first: int, more: int, told: int
) -> None:
    state = deciding(deciding(run(), first, 20_000), more, 20_000)
    known = min(told, state.decided)
    state = deciding(kept(state, known), 1, 20_000)
    numbers = [each.number for each in state.decisions]
    assert numbers == [*range(numbers[0], state.decided + 1)]
    assert int(left_out(state) or 0) == max(0, numbers[0] - 1 - known)
