"""A store after its first start, in a data directory that a test may break."""

import pytest

from tests.store.conftest import clock, first_start, settings, store

__all__ = ["clock", "first_start", "settings", "store"]


@pytest.fixture
def server() -> None:
    """SQLite, of which the doctor looks at more."""
