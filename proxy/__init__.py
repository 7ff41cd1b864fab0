"""The data plane: requests go to replicas. Small, fast, independent of database and API."""
