"""Jobs as containers, through the Docker Engine API."""

from hosts.docker.runtime import DockerRuntime

__all__ = ["DockerRuntime"]
