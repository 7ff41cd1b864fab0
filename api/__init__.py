"""The HTTP API: thin routers that authenticate, authorise and call."""
