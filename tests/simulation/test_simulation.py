"""Days of runs, out of fixed seeds; and that a failure can be seen again."""

import subprocess
import sys

import pytest

from tests.simulation.course import Failed, Report, simulated
from tests.simulation.mutants import MUTANTS

SEEDS = (2, 11, 16)
"""Many lives, and faults of all kinds; one of them has room for a single replica."""


@pytest.mark.parametrize("seed", SEEDS)
def test_all_invariants_hold_for_a_day_of_trouble(seed: int) -> None:
    report = simulated(seed, hours=24)
    assert report.replicas > 0
    assert report.counts.served > 0


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", [1, 11, 21, 31])
def test_all_invariants_hold_for_three_days_of_trouble(first: int) -> None:
    for seed in range(first, first + 10):
        assert simulated(seed).checks > 100


def test_a_seed_has_the_same_course_each_time() -> None:
    assert facts(simulated(3, hours=6)) == facts(simulated(3, hours=6))


def facts(report: Report) -> tuple[object, ...]:
    return (report.events, report.checks, report.replicas, report.cost, str(report.counts))


def test_it_has_the_same_course_in_a_process_with_other_hashes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = []
    for hashes in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", hashes)
        command = [sys.executable, "-m", "tests.simulation", "--seed", "3", "--hours", "6"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        told.append(done.stdout.splitlines()[0])
    assert told[0] == told[1]
    assert told[0].startswith("seed 3: ")


def test_a_failure_is_told_with_its_seed_its_time_and_what_came_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mutant = MUTANTS["start twice"]
    original = getattr(mutant.where, mutant.name)
    monkeypatch.setattr(mutant.where, mutant.name, mutant.bug(original))
    told = []
    for _ in range(2):
        with pytest.raises(Failed) as caught:
            simulated(2, hours=24)
        told.append(str(caught.value))
    assert told[0] == told[1]
    *before, what, again = told[0].splitlines()
    assert "life 1 begins" in before[0]
    assert what.startswith("seed 2, at 0d 00:00:")
    assert what.endswith(": no more live than are wanted, and one for an update: 2 of 1")
    assert again == "Again: python -m tests.simulation --seed 2 --hours 24"
