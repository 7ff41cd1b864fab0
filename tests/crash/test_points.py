"""`kill -9` exactly between a call and what is known of it: nothing doubled, nothing left."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from functools import partial

import pytest

from tests.crash.points import POINTS, WITH_DOCKER, WITH_PROCESSES, Point
from tests.crash.scene import live_through
from tests.crash.trial import Ground, Trial

KNOWN = {Ground.PROCESSES: WITH_PROCESSES, Ground.DOCKER: WITH_DOCKER}


def trials() -> Iterator[object]:
    """Each point, with the replicas that have it."""
    for ground, points in KNOWN.items():
        for point in points:
            trial = Trial(point.name, ground, partial(live_through, point=point))
            yield pytest.param(trial, id=str(trial))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("trial", list(trials()))
def test_a_service_lives_through_the_death_of_a_process_at_any_point(
    trial: Trial, outcomes: Mapping[Trial, Future[None]]
) -> None:
    outcomes[trial].result()


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_point_is_in_the_code(point: Point) -> None:
    owner, name = point.place()
    assert callable(getattr(owner, name))
