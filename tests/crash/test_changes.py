"""Any one process may die or hang while services change: by an update, their load, or a failure."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from functools import partial

import pytest

from tests.crash.at_points import (
    falls_ill_through,
    is_set_through,
    is_updated_through,
    sleeps_and_wakes_through,
)
from tests.crash.changes import change
from tests.crash.losses import CHANGE_CASES
from tests.crash.points import WITH_CHANGES, points_of
from tests.crash.trial import Ground, Trial, ground_of

PASSAGES = (
    ("new", is_updated_through, Ground.PROCESSES, points_of("apply", "revision", "drain")),
    ("new", is_updated_through, Ground.PROCESSES, points_of("halt", "release", "start")),
    ("new", is_updated_through, Ground.PROCESSES, points_of("keep_decisions")),
    ("new", is_updated_through, Ground.DOCKER, points_of("container.start", "container.remove")),
    ("nap", sleeps_and_wakes_through, Ground.PROCESSES, points_of("load_watch", "wake")),
    ("set", is_set_through, Ground.PROCESSES, points_of("scale")),
    ("ill", falls_ill_through, Ground.PROCESSES, WITH_CHANGES[-1:]),
)
"""What a service passes through, and the points in its way. The first words are parts of names."""


def trials() -> Iterator[object]:
    """Each case on each of its hosts."""
    for case in CHANGE_CASES:
        for host in case.hosts:
            trial = Trial(str(case), ground_of(case, host), partial(change, case=case))
            yield pytest.param(trial, id=str(trial))


def trials_at_points() -> Iterator[object]:
    """Each point of each passage."""
    for word, passage, ground, points in PASSAGES:
        for point in points:
            trial = Trial(f"{word} {point.name}", ground, partial(passage, point=point))
            yield pytest.param(trial, id=str(trial))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("trial", list(trials()))
def test_services_change_all_the_same(trial: Trial, outcomes: Mapping[Trial, Future[None]]) -> None:
    outcomes[trial].result()


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("trial", list(trials_at_points()))
def test_a_service_changes_although_a_process_dies_at_any_point_of_that(
    trial: Trial, outcomes: Mapping[Trial, Future[None]]
) -> None:
    outcomes[trial].result()


def test_each_point_of_changes_is_on_the_way_of_a_service() -> None:
    assert set(WITH_CHANGES) <= {point for *_, points in PASSAGES for point in points}
