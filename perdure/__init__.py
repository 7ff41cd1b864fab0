"""The plumbing that every process shares: version, settings, errors, logging."""

__version__ = "0.1.0"
