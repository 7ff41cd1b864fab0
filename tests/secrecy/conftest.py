"""A store after its first start."""

import pytest

from tests.store.conftest import clock, first_start, settings, store

__all__ = ["clock", "first_start", "settings", "store"]


@pytest.fixture
def server() -> None:
    """SQLite."""
