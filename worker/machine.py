"""Which runtime this machine has."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
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


@asynccontextmanager
async def local_backend(settings: Settings, store: Store) -> AsyncIterator[LocalBackend]:
    """Docker where its engine answers, else plain processes; or what the settings say."""
    async with AsyncExitStack() as opened:
        yield LocalBackend(await _runtime(settings, store, opened), store.gpus)


async def _runtime(settings: Settings, store: Store, opened: AsyncExitStack) -> Runtime:
    server = await store.installation.id()
    processes = ProcessRuntime(settings.data.replicas, server)
    await processes.sweep()
    if settings.runtime is RuntimeChoice.PROCESS:
        return processes
    if settings.runtime is RuntimeChoice.AUTO and not _may_answer(settings.docker_host):
        log.warning("There is no Docker here. %s", PLAIN)
        return processes
    from hosts.docker.runtime import DockerRuntime  # noqa: PLC0415 - half a second without use

    docker = await opened.enter_async_context(
        DockerRuntime(settings.docker_host, server, store.addresses)
    )
    try:
        await docker.machine()
    except InstanceUnreachable as error:
        if settings.runtime is RuntimeChoice.DOCKER:
            log.warning("%s %s", error.message, NOWHERE)
            return docker
        log.warning("%s %s", error.message, PLAIN)
        return processes
    return docker


def _may_answer(engine: str) -> bool:
    kind, _, path = engine.partition("://")
    return kind != "unix" or Path(path).exists()
