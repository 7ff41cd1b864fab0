"""Runs for days in seconds: the real decisions, a clock of ours, and faults out of a seed."""
