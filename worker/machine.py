"""Which runtime this machine has."""

import logging
from pathlib import Path

from backends.local import LocalBackend
from hosts.base import Runtime
from hosts.process.runtime import ProcessRuntime
from perdure.errors import InstanceUnreachable
from perdure.settings import RuntimeChoice, Settings
from store.store import Store

log = logging.getLogger(__name__)

PLAIN = "Replicas run as plain processes, without isolation."
NOWHERE = (
    "No service can start until it answers, as `PERDURE_RUNTIME` is `docker`: start Docker, name "
    "another engine by `PERDURE_DOCKER_HOST`, or set `PERDURE_RUNTIME` to `auto` or `process`."
)


async def local_backend(settings: Settings, store: Store) -> LocalBackend:
    """Docker where its engine answers, else plain processes; or what the settings say."""
    return LocalBackend(await _runtime(settings, store), store.gpus)


async def _runtime(settings: Settings, store: Store) -> Runtime:
    server = await store.installation.id()
    processes = ProcessRuntime(settings.data.replicas, server)
    await processes.sweep()
    if settings.runtime is RuntimeChoice.PROCESS:
        return processes
    if settings.runtime is RuntimeChoice.AUTO and not _may_answer(settings.docker_host):
        log.warning("There is no Docker here. %s", PLAIN)
        return processes
    from hosts.docker.runtime import DockerRuntime  # noqa: PLC0415 - half a second without use

    docker = DockerRuntime(settings.docker_host, server, store.addresses)
    try:
        await docker.machine()
    except InstanceUnreachable as error:
        if settings.runtime is RuntimeChoice.DOCKER:
            log.warning("%s %s", error.message, NOWHERE)
            return docker
        log.warning("%s %s", error.message, PLAIN)
        await docker.close()
        return processes
    return docker


def _may_answer(engine: str) -> bool:
    kind, _, path = engine.partition("://")
    return kind != "unix" or Path(path).exists()
