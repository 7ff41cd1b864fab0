"""A server with narrow limits, on a disk of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import perdure
from tests.e2e.installation import Installation, installation
from tests.testbed.tool import run

__all__ = ["perdure", "small"]

START_TIMEOUT = 4
"""Seconds."""
LOG_QUOTA_MB = 2
DISK = "400m"


@pytest.fixture(scope="package")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Plain processes; a home that can be filled without harm to anybody else."""
    home: Path = tmp_path_factory.mktemp("small")
    run("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", home)
    try:
        with installation(
            home,
            PERDURE_RUNTIME="process",
            PERDURE_START_TIMEOUT=str(START_TIMEOUT),
            PERDURE_LOG_QUOTA_MB=str(LOG_QUOTA_MB),
        ) as place:
            yield place
    finally:
        run("umount", "--lazy", home)
