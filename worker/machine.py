"""Which runtime this machine has."""

import logging
from pathlib import Path

from backends.local import LocalBackend
from hosts.base import Runtime
from hosts.process.runtime import ProcessRuntime
from perdure.errors import InstanceUnreachable
from perdure.settings import RuntimeChoice, Settings
from store.database import Store

log = logging.getLogger(__name__)

PLAIN = "Replicas run as plain processes, without isolation."


async def local_backend(settings: Settings, store: Store) -> LocalBackend:
    """Docker where its engine answers, else plain processes; or what the settings say."""
    return LocalBackend(await _runtime(settings, store), store.gpus)


async def _runtime(settings: Settings, store: Store) -> Runtime:
    server = await store.installation.id()
    processes = ProcessRuntime(settings.data.replicas, server)
    if settings.runtime is RuntimeChoice.PROCESS:
        return processes
    if settings.runtime is RuntimeChoice.AUTO and not _may_answer(settings.docker_host):
        log.warning("There is no Docker here. %s", PLAIN)
        return processes
    from hosts.docker.runtime import DockerRuntime  # noqa: PLC0415 - half a second without use

    docker = DockerRuntime(settings.docker_host, server, store.addresses)
    if settings.runtime is RuntimeChoice.DOCKER:
        return docker
    try:
        await docker.machine()
    except InstanceUnreachable as error:
        log.warning("%s %s", error.message, PLAIN)
        await docker.close()
        return processes
    return docker


def _may_answer(engine: str) -> bool:
    kind, _, path = engine.partition("://")
    return kind != "unix" or Path(path).exists()
