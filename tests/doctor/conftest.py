from tests.store.conftest import clock, first_start, settings, store

__all__ = ["clock", "first_start", "settings", "store"]
