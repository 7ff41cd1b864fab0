"""The simulation finds bugs: each that is put in on purpose, within a few seeds."""

import pytest

from tests.simulation.course import Failed, simulated
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.violation import Violation

SEEDS = range(1, 9)


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
def test_a_bug_is_found_within_a_few_seeds(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    original = getattr(mutant.where, mutant.name)
    monkeypatch.setattr(mutant.where, mutant.name, mutant.bug(original))
    found = next(filter(None, map(violation_of, SEEDS)), None)
    assert found is not None
    assert found.invariant in mutant.found_by


def violation_of(seed: int) -> Violation | None:
    """What a day of this seed violates."""
    try:
        simulated(seed, hours=24)
    except Failed as failed:
        cause = failed.__cause__
        if not isinstance(cause, Violation):
            raise
        return cause
    return None
