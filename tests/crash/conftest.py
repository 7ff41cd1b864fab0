"""All trials that were chosen are begun with the first of them."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest

from tests.crash.trial import Ground, Lanes, Trial
from tests.e2e.containers import containers
from tests.testbed.engine import Engine

ENGINES = {Ground.DOCKER: "engine", Ground.MORTAL: "mortal_engine"}
"""The fixtures that grounds need."""


@pytest.fixture(scope="session")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[Trial, Future[None]]]:
    """What becomes of each trial. Afterwards no container is left."""
    given = [
        item.callspec.params.get("trial")
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    ]
    trials = [trial for trial in given if isinstance(trial, Trial)]
    engines: dict[Ground, Engine] = {
        ground: request.getfixturevalue(ENGINES[ground])
        for ground in dict.fromkeys(trial.ground for trial in trials)
        if ground in ENGINES
    }
    lanes = {
        ground: Lanes(ground, tmp_path_factory.mktemp("crash"), engines.get(ground))
        for ground in dict.fromkeys(trial.ground for trial in trials)
    }
    try:
        yield {trial: lanes[trial.ground].submit(trial) for trial in trials}
    finally:
        for each in lanes.values():
            each.close()
    assert [name for engine in engines.values() for name in containers(engine)] == []
