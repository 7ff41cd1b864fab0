"""From a job to a created container with its code inside."""

import asyncio
from ipaddress import IPv4Address
from tempfile import SpooledTemporaryFile
from typing import Any

from aiodocker import DockerError

from hosts.docker.code import Owner, find_owner, pack_workflow, single_file
from hosts.docker.connection import SLOW, Connection
from hosts.docker.container import Place, container_name, create_body
from hosts.docker.failure import missing_source, start_failure
from hosts.docker.image import image_variables
from perdure.errors import ContainerCreateFailed
from spec.job import Job, JobCode

# Code up to this size is not written to disk on its way.
IN_MEMORY = 16 << 20

CONFLICT = 409


async def create_container(
    engine: Connection, job: Job, network: str, address: IPv4Address
) -> None:
    """Create the job's container, unless a call beside this one has just done it.

    Whether a folder of the machine is there, only its engine can tell: an optional one that it
    misses is left out, and the call made again. Raises `ContainerCreateFailed`, `VolumeFailed`.
    """
    image_env = await image_variables(engine, str(job.image))
    if image_env is None:
        raise ContainerCreateFailed(f"The image `{job.image}` is not on the machine.")
    optional = {mount.instance_path for mount in job.mounts if mount.optional}
    missing: frozenset[str] = frozenset()
    while True:
        place = Place(network=network, address=address, image_env=image_env, missing=missing)
        try:
            await engine.json(
                "POST",
                "containers/create",
                params={"name": container_name(job.token)},
                body=create_body(job, place),
                within=SLOW,
            )
        except DockerError as error:
            if error.status == CONFLICT:
                return
            path = missing_source(error.message)
            if path not in optional - missing:
                raise start_failure(error.message) from error
            missing |= {path}
        else:
            return


async def put_code(engine: Connection, container: dict[str, Any], code: JobCode) -> None:
    """Unpack the code into `/workflow`, owned by the user that the container runs as."""
    path = f"containers/{container['Id']}/archive"
    owner = await _owner(engine, path, container["Config"]["User"])
    with SpooledTemporaryFile(max_size=IN_MEMORY) as tar:
        await asyncio.to_thread(pack_workflow, code, owner, tar)
        tar.seek(0)
        await engine.upload(path, {"path": "/"}, tar)


async def _owner(engine: Connection, path: str, user: str) -> Owner:
    if user in ("", "0", "root"):
        return 0, 0
    return find_owner(
        user,
        passwd=await _text(engine, path, "/etc/passwd"),
        group=await _text(engine, path, "/etc/group"),
    )


async def _text(engine: Connection, path: str, file: str) -> str:
    try:
        return single_file(await engine.download(path, {"path": file}))
    except DockerError as error:
        if error.status == 404:
            return ""
        raise
