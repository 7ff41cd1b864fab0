"""Any one process may die or hang while services start, serve and stop."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from functools import partial

import pytest

from tests.crash.losses import CASES, OURS, Case, Fault, Host
from tests.crash.scene import endure
from tests.crash.trial import Ground, Trial


def ground(case: Case, host: Host) -> Ground:
    """A part of Docker is struck where nobody else needs it."""
    if host is Host.DOCKER:
        return Ground.DOCKER if case.part in OURS else Ground.MORTAL
    return Ground.PROCESSES if case.fault is Fault.KILL else Ground.PATIENT


def trials() -> Iterator[object]:
    """Each case on each of its hosts."""
    for case in CASES:
        for host in case.hosts:
            trial = Trial(str(case), ground(case, host), partial(endure, case=case))
            yield pytest.param(trial, id=str(trial))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("trial", list(trials()))
def test_services_start_serve_and_stop_all_the_same(
    trial: Trial, outcomes: Mapping[Trial, Future[None]]
) -> None:
    outcomes[trial].result()
