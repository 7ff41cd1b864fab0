"""One installation for all tests of a session that do not break it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation, installation


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Plain processes, as on a machine without Docker."""
    home: Path = tmp_path_factory.mktemp("home")
    with installation(home, PERDURE_RUNTIME="process") as place:
        yield place
