"""The Docker runtime: `hosts.base.Runtime` on one engine."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiodocker import DockerError

from hosts.addresses import AddressBook
from hosts.base import Progress
from hosts.docker.connection import QUICK, SLOW, Connection
from hosts.docker.container import SERVER, TOKEN, container_name, job_state
from hosts.docker.creation import create_container, put_code
from hosts.docker.failure import start_failure
from hosts.docker.image import pull_image
from hosts.docker.logs import Cursor, Pass
from hosts.docker.network import ensure_network
from hosts.machine import gpu_utilization, this_machine
from perdure.errors import ContainerCreateFailed, HostError, RuntimeUnsupported, sentence
from spec.job import Job, JobPhase, JobState
from spec.log import LogBatch
from spec.machine import Machine, RuntimeFacts, RuntimeKind

# After this long without a word, a wait or a log asks whether the engine is still there.
SILENCE = timedelta(seconds=30)
# Between two looks at what cannot be waited for.
PAUSE = 0.2
LOOKS = 50
# No such container any more, and one that somebody else is removing.
GONE = (404, 409)
MISSING = JobState(phase=JobPhase.MISSING)

Survey = Callable[[Path], Machine]
DOCKER_ON_THIS_MACHINE: Survey = partial(this_machine, RuntimeKind.DOCKER)


class DockerRuntime:
    """Runs jobs as containers named `perdure-<token>` of the engine at `url`.

    Only containers and networks with the label of `server_id` are seen or touched. `survey`
    measures the machine of the engine, given the folder where the engine keeps its data; an engine
    that takes longer than `patience` for a short answer is unreachable.
    """

    def __init__(
        self,
        url: str,
        server_id: str,
        addresses: AddressBook,
        survey: Survey = DOCKER_ON_THIS_MACHINE,
        patience: timedelta = QUICK,
    ) -> None:
        self._engine = Connection(url, patience)
        self._server_id = server_id
        self._addresses = addresses
        self._survey = survey
        self._network_lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; jobs go on."""
        await self._engine.close()

    async def machine(self) -> Machine:
        """See `hosts.base.Runtime`."""
        info = await self._engine.ask("info")
        return await asyncio.to_thread(self._survey, Path(info["DockerRootDir"]))

    async def utilization(self) -> dict[str, int]:
        """See `hosts.base.Runtime`."""
        return await asyncio.to_thread(gpu_utilization)

    async def facts(self) -> RuntimeFacts:
        """See `hosts.base.Runtime`: all that differs is in the images."""
        return RuntimeFacts()

    async def pull(self, job: Job, progress: Progress) -> None:
        """See `hosts.base.Runtime`."""
        await pull_image(self._engine, _image(job), job.registry, progress)

    async def start(self, job: Job) -> JobState:
        """See `hosts.base.Runtime`."""
        container = await self._inspect(job.token) or await self._create(job)
        if not self._is_ours(container):
            raise ContainerCreateFailed(
                f"A container `{container_name(job.token)}` exists that is not this server's.",
                hint=f"Look at it: `docker inspect {container_name(job.token)}`.",
            )
        state = job_state(container)
        if state.phase is not JobPhase.CREATED:
            return state
        if job.code is not None:
            await put_code(self._engine, container, job.code)
        try:
            await self._engine.json("POST", f"containers/{container['Id']}/start", within=SLOW)
        except DockerError as error:
            raise start_failure(error.message) from error
        return await self.state(job.token)

    async def state(self, token: str) -> JobState:
        """See `hosts.base.Runtime`."""
        container = await self._ours(token)
        return MISSING if container is None else job_state(container)

    async def wait(self, token: str) -> JobState:
        """See `hosts.base.Runtime`."""
        while (state := await self.state(token)).phase in (JobPhase.CREATED, JobPhase.RUNNING):
            if state.phase is JobPhase.CREATED:
                await asyncio.sleep(PAUSE)
                continue
            path = f"containers/{container_name(token)}/wait"
            try:
                async for _ in self._engine.chunks("POST", path, params={}, silence=SILENCE):
                    pass
            except TimeoutError:
                continue
            except DockerError:
                await asyncio.sleep(PAUSE)
        return state

    async def follow(self, token: str, cursor: str) -> AsyncGenerator[LogBatch, None]:
        """See `hosts.base.Runtime`. The cursor is `hosts.docker.logs.Cursor`."""
        place = Cursor.parse(cursor)
        while (container := await self._ours(token)) is not None:
            ended = job_state(container).phase is JobPhase.EXITED
            reading = Pass(place)
            async with aclosing(self._read(container["Id"], reading)) as batches:
                async for batch in batches:
                    yield batch
            if reading.cursor == place:
                if ended:
                    return
                await asyncio.sleep(PAUSE)
            place = reading.cursor

    async def stop(self, token: str, grace: timedelta) -> JobState:
        """See `hosts.base.Runtime`."""
        container = await self._ours(token)
        if container is None:
            return MISSING
        try:
            await self._engine.json(
                "POST",
                f"containers/{container['Id']}/stop",
                params={"t": math.ceil(grace.total_seconds())},
                within=grace + SLOW,
            )
        except DockerError as error:
            if error.status != 404:
                raise HostError(
                    sentence(f"The container cannot be stopped: {error.message}")
                ) from error
        return await self.state(token)

    async def remove(self, token: str) -> bool:
        """See `hosts.base.Runtime`."""
        container = await self._ours(token)
        while (left := await self._ours(token)) is not None:
            try:
                await self._engine.json(
                    "DELETE",
                    f"containers/{left['Id']}",
                    params={"force": "1", "v": "1"},
                    within=SLOW,
                )
            except DockerError as error:
                if error.status not in GONE:
                    raise HostError(
                        sentence(f"A container cannot be removed: {error.message}")
                    ) from error
                await asyncio.sleep(PAUSE)
        await self._addresses.release(await self._engine_id(), token)
        return container is not None

    async def tokens(self) -> frozenset[str]:
        """See `hosts.base.Runtime`."""
        filters = json.dumps({"label": [f"{SERVER}={self._server_id}", TOKEN]})
        containers = await self._engine.ask("containers/json", {"all": "1", "filters": filters})
        return frozenset(container["Labels"][TOKEN] for container in containers)

    async def _create(self, job: Job) -> dict[str, Any]:
        _image(job)
        async with self._network_lock:
            network = await ensure_network(self._engine, self._server_id)
        address = await self._addresses.claim(await self._engine_id(), job.token, network.pool)
        await create_container(self._engine, job, network.name, address)
        # When another call is making it, its name is taken before it can be seen.
        for _ in range(LOOKS):
            if (container := await self._inspect(job.token)) is not None:
                return container
            await asyncio.sleep(PAUSE)
        raise ContainerCreateFailed("The container was removed while it was being made.")

    async def _read(self, container: str, reading: Pass) -> AsyncGenerator[LogBatch, None]:
        asked = {"follow": "1", "stdout": "1", "stderr": "1", "timestamps": "1"}
        chunks = self._engine.chunks(
            "GET",
            f"containers/{container}/logs",
            params={**asked, "since": reading.cursor.since},
            silence=SILENCE,
        )
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    if (batch := reading.feed(chunk)) is not None:
                        yield batch
        except TimeoutError:
            return
        except DockerError as error:
            # Removed meanwhile, or about to be: the next look at it will tell.
            if error.status not in GONE:
                raise HostError(sentence(f"Docker cannot read a log: {error.message}")) from error

    async def _ours(self, token: str) -> dict[str, Any] | None:
        container = await self._inspect(token)
        return container if container is not None and self._is_ours(container) else None

    def _is_ours(self, container: dict[str, Any]) -> bool:
        return bool((container["Config"]["Labels"] or {}).get(SERVER) == self._server_id)

    async def _inspect(self, token: str) -> dict[str, Any] | None:
        try:
            found = await self._engine.json("GET", f"containers/{container_name(token)}/json")
        except DockerError as error:
            if error.status == 404:
                return None
            raise HostError(
                sentence(f"Docker cannot tell of a container: {error.message}")
            ) from error
        return dict(found)

    async def _engine_id(self) -> str:
        """The engine's own id: two machines may have networks with the same addresses."""
        return str((await self._engine.ask("info"))["ID"])


def _image(job: Job) -> str:
    if job.image is None:
        raise RuntimeUnsupported("A container cannot be made without an `image`.")
    return job.image
