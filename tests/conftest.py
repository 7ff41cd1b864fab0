"""For every test: pytest's folders are too deep for sockets, which need a short-lived one."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ("tests.testbed.fixtures",)
"""One test bed for all: imported into two places, its fixtures would be two that wait for each
other."""


@pytest.fixture(scope="session", autouse=True)
def sockets() -> Iterator[Path]:
    """Data directories put their sockets here, see `perdure.data_dir`."""
    folder = Path(tempfile.mkdtemp(prefix="pd-", dir="/tmp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        yield folder
    shutil.rmtree(folder, ignore_errors=True)
