"""Runs for weeks in seconds: the real decisions under a clock of ours, with faults out of a seed."""
