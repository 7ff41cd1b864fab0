"""Reach a machine and run things on it."""
