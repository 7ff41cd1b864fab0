"""Which code must be kept."""

import pytest

from policy.code import code_in_use, is_noted
from spec.deployment import Deployment
from spec.run_spec import CodeArchive
from tests.api.fake_runs import run_status
from tests.policy.making import run, spec

NEW, GOOD = (CodeArchive(sha256=letter * 64, size=1) for letter in "ab")


@pytest.mark.parametrize(
    ("latest", "revisions", "noted"),
    [
        (0, [], True),
        (1, [], False),
        (1, [1], True),
        (2, [2], False),
        (2, [1], False),
        (2, [3, 2, 1], True),
    ],
)
def test_a_run_is_noted_when_each_of_its_revisions_is(
    latest: int, revisions: list[int], noted: bool
) -> None:
    assert is_noted(run_status(revision=latest), revisions) is noted


def test_a_run_that_has_told_nothing_is_not_noted() -> None:
    assert not is_noted(None, [1, 2, 3])


def test_code_in_use_is_that_of_the_present_and_of_what_served() -> None:
    present, good = (spec().model_copy(update={"code": each}) for each in (NEW, GOOD))
    assert code_in_use(run(present, good=Deployment(revision=1, spec=good))) == {
        NEW.sha256,
        GOOD.sha256,
    }
    assert code_in_use(run(present)) == {NEW.sha256}
    assert code_in_use(run(spec())) == frozenset()
    assert code_in_use(None) == frozenset()
