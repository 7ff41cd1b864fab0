"""The embedded all-in-one: one command, one terminal, every process supervised."""
