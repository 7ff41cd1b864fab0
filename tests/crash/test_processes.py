"""Any one process may die or hang while services start, serve and stop."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from functools import partial

import pytest

from tests.crash.losses import CASES
from tests.crash.scene import endure
from tests.crash.trial import Trial, ground_of


def trials() -> Iterator[object]:
    """Each case on each of its hosts."""
    for case in CASES:
        for host in case.hosts:
            trial = Trial(str(case), ground_of(case, host), partial(endure, case=case))
            yield pytest.param(trial, id=str(trial))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("trial", list(trials()))
def test_services_start_serve_and_stop_all_the_same(
    trial: Trial, outcomes: Mapping[Trial, Future[None]]
) -> None:
    outcomes[trial].result()
