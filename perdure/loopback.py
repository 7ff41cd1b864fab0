"""The names of this machine to itself."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts of URLs that lead no further than here."""
