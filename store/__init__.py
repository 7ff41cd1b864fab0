"""The database: what must outlive a process and is not Temporal's."""
