"""How many of those that waited are let in at a time."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.wave import FIRST, Wave


def after(*replies: bool) -> int:
    wave = Wave()
    for reply in replies:
        if reply:
            wave.answered()
        else:
            wave.failed()
    return wave.size


def test_it_doubles_with_each_round_of_replies() -> None:
    assert [after(*[True] * count) for count in (0, FIRST, 3 * FIRST)] == [4, 8, 16]


def test_a_failure_halves_it() -> None:
    assert after(*[True] * 12, False) == 8
    assert after(*[False] * 9) == 1


def test_after_a_failure_it_grows_by_one_in_a_round() -> None:
    assert after(False) == 2
    assert after(False, *[True] * 2) == 3
    assert after(False, *[True] * 5) == 4
    assert after(False, *[True] * 9) == 5


@given(st.lists(st.booleans()))
def test_one_may_always_go(replies: list[bool]) -> None:
    assert after(*replies) >= 1
