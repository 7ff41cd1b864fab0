"""The process runtime: replicas as plain processes of this machine, without isolation."""
