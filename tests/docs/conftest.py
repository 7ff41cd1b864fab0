"""One server for all pages."""

from collections.abc import Iterator

import pytest

from tests.e2e.installation import Installation, installation


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Plain processes, as on a machine without Docker."""
    with installation(tmp_path_factory.mktemp("docs"), PERDURE_RUNTIME="process") as place:
        yield place
