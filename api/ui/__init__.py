"""Temporal's web UI behind our own sign-in, on an origin of its own."""
