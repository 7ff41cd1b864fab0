"""One module per provider, behind the protocols of `backends.base`."""
