"""Names that Temporal knows: they must never change for what lives."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from engine import ids
from spec import names
from tests.policy.making import LIFE

words = st.from_regex(r"[a-z][a-z0-9-]{1,8}", fullmatch=True)


def test_ids_read_like_paths() -> None:
    assert names.run_id("main", "web") == "run/main/web"
    assert names.replica_id("main", "web", LIFE, 1, 3) == f"run/main/web/{LIFE}/r1-g3"
    assert ids.plan_id("x") == "plan/x"


def test_an_incarnation_is_the_tail_of_the_first_run_id() -> None:
    assert ids.incarnation("0199a0b2-7c1e-7d1a-8f6e-0123456789ab") == "0123456789ab"


def test_tokens_are_the_same_for_the_same_attempt_and_stay_so() -> None:
    token = ids.token("run/main/web/life/r0-g1", "local/local", 0)
    assert token == "18c8abec-6f53-56d5-9254-7239db1d5ca1"
    assert ids.run_uuid("main", "web", LIFE) == ids.run_uuid("main", "web", LIFE)


@given(st.lists(st.tuples(words, words, st.integers(0, 9)), min_size=2, unique=True))
def test_other_attempts_have_other_tokens(attempts: list[tuple[str, str, int]]) -> None:
    tokens = {ids.token(*attempt) for attempt in attempts}
    assert len(tokens) == len(attempts)
    assert {uuid.UUID(token).version for token in tokens} == {5}
