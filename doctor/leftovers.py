"""What is on the machine, and belongs to nobody any more."""

import asyncio
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.local import HOST
from doctor.cluster import client_of
from engine.ids import WorkflowType, token
from hosts.docker.connection import Connection
from hosts.docker.container import REPLICA, SERVER, TOKEN
from hosts.process.abandoned import abandoned
from hosts.process.folder import Folders
from hosts.process.runtime import SHARED_HOMES, UID_CLAIMS
from perdure.errors import HostError
from perdure.settings import RuntimeChoice, Settings
from spec.finding import Finding, fine, warning
from store.store import open_store

LIVING = f"WorkflowType = '{WorkflowType.REPLICA}' AND ExecutionStatus = 'Running'"
LIVING_RUNS = f"WorkflowType = '{WorkflowType.RUN}' AND ExecutionStatus = 'Running'"
PLACE = f"local/{HOST}"
ATTEMPTS = 64
"""A replica of this machine tries it once for each time that its GPUs were taken meanwhile."""


@dataclass(frozen=True)
class Container:
    """One of ours, and the replica that it is."""

    name: str
    replica: str
    token: str


@dataclass(frozen=True)
class Leftovers:
    """What is there, and by `living` whose it may be."""

    living: frozenset[str]
    containers: tuple[Container, ...]
    folders: tuple[tuple[Path, str], ...]
    gpus: tuple[tuple[str, str], ...]
    claims: tuple[Path, ...]
    homes: tuple[Path, ...]
    runs: tuple[str, ...]
    """The ids of living runs whose project is not in the store."""


async def look_for_leftovers(settings: Settings) -> Leftovers:
    """Ask Temporal who lives; then the store, Docker and the disk for what there is."""
    client = await client_of(settings)
    living = frozenset([each.id async for each in client.list_workflows(LIVING, page_size=1000)])
    runs = [each.id async for each in client.list_workflows(LIVING_RUNS, page_size=1000)]
    async with open_store(settings) as store:
        projects = frozenset(project.name for project in await store.projects.all())
        server = await store.installation.id()
        gpus = tuple((await store.gpus.claimed(HOST)).items())
    return Leftovers(
        living=living,
        containers=await _containers(settings, server),
        folders=await asyncio.to_thread(_folders, settings.data.replicas, server),
        gpus=gpus,
        claims=tuple(_dangling(UID_CLAIMS)),
        homes=tuple(abandoned(SHARED_HOMES)),
        runs=tuple(run for run in runs if run.split("/", 2)[1] not in projects),
    )


async def _containers(settings: Settings, server: str) -> tuple[Container, ...]:
    if settings.runtime is RuntimeChoice.PROCESS:
        return ()
    connection = Connection(settings.docker_host)
    filters = json.dumps({"label": [f"{SERVER}={server}", TOKEN]})
    try:
        found = await connection.ask("containers/json", {"all": "1", "filters": filters})
    except HostError:
        return ()  # another check tells of it
    finally:
        await connection.close()
    return tuple(
        Container(
            name=str(each["Names"][0]).lstrip("/"),
            replica=each["Labels"].get(REPLICA, ""),
            token=each["Labels"][TOKEN],
        )
        for each in found
    )


def _folders(root: Path, server: str) -> tuple[tuple[Path, str], ...]:
    if not root.is_dir():
        return ()
    every = Folders(root, root / "homes", server).all()
    return tuple((folder.control, record.token) for folder, record in every)


def _dangling(claims: Path) -> Iterator[Path]:
    if claims.is_dir():
        yield from (each for each in claims.iterdir() if each.is_symlink() and not each.exists())


def judge_leftovers(seen: Leftovers) -> Iterator[Finding]:
    """What is there is somebody's."""
    wanted = tokens_of(seen.living)
    lost = [each.name for each in seen.containers if each.replica not in seen.living]
    findings = [
        *_told("Containers of replicas that have ended", lost, "`docker rm -f {}`."),
        *_told(
            "Folders of replicas that have ended",
            [str(path) for path, each in seen.folders if each not in wanted],
            "See that no process of theirs runs, then `rm -r {}`.",
        ),
        *_told(
            "GPUs that belong to replicas that have ended",
            [gpu for gpu, each in seen.gpus if each not in wanted],
            "Restart the worker; if they stay, tell us, with a support bundle.",
        ),
        *_told("Homes of servers whose data is gone", map(str, seen.homes), RESTART),
        *_told("Services whose project is gone", seen.runs, HOMELESS),
    ]
    yield from findings
    if not findings:
        claims = (
            f" Account claims without an owner: {len(seen.claims)}, which the next replica takes."
        )
        yield fine("Nothing is left of what has ended." + (claims if seen.claims else ""))


HOMELESS = (
    "`temporal workflow cancel -w {}`. The API stops those of deleted projects by itself, within "
    "half an hour; a project that the store never had is in a newer backup of it."
)
RESTART = (
    "A worker that starts here removes them, unless something runs in them; when something in them "
    "cannot be removed, its log names it."
)


def tokens_of(replicas: Collection[str]) -> frozenset[str]:
    """All tokens that these replicas can have on this machine."""
    return frozenset(
        token(replica, PLACE, attempt) for replica in replicas for attempt in range(ATTEMPTS)
    )


def _told(what: str, names: Collection[str] | Iterator[str], remedy: str) -> Iterator[Finding]:
    found = sorted(names)
    if found:
        shown = ", ".join(f"`{name}`" for name in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        fix = remedy.replace("{}", found[0])
        yield warning(f"{what}: {shown}{more}.", f"If it stays so: {fix}")
