"""Hostile bytes at the proxy's two sides, out of a seed: `make fuzz`, and short rounds as tests."""
