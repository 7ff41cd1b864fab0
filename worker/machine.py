"""Which runtime this machine has."""

import logging

from backends.local import LocalBackend
from hosts.base import Runtime
from hosts.docker.runtime import DockerRuntime
from hosts.process.runtime import ProcessRuntime
from perdure.errors import InstanceUnreachable
from perdure.settings import RuntimeChoice, Settings
from store.database import Store

log = logging.getLogger(__name__)


async def local_backend(settings: Settings, store: Store) -> LocalBackend:
    """Docker where its engine answers, else plain processes; or what the settings say."""
    return LocalBackend(await _runtime(settings, store), store.gpus)


async def _runtime(settings: Settings, store: Store) -> Runtime:
    server = await store.installation.id()
    processes = ProcessRuntime(settings.data.replicas, server)
    if settings.runtime is RuntimeChoice.PROCESS:
        return processes
    docker = DockerRuntime(settings.docker_host, server, store.addresses)
    if settings.runtime is RuntimeChoice.DOCKER:
        return docker
    try:
        await docker.machine()
    except InstanceUnreachable as error:
        log.warning("%s Replicas run as plain processes, without isolation.", error.message)
        await docker.close()
        return processes
    return docker
