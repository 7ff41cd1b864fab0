"""Dated prices and machine types."""
