"""A job in Docker's words, and a container in ours. Pure."""

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from spec.job import Job, JobPhase, JobState
from spec.public import Model

GIB = 1 << 30

SERVER, PROJECT, RUN = "perdure.server", "perdure.project", "perdure.run"
REPLICA, TOKEN, PORT = "perdure.replica", "perdure.token", "perdure.port"

# 1 GiB of log per container: an hour at 300 KB/s. What a follower has stored is not needed here.
LOG_FILE_SIZE, LOG_FILES = "256m", 4

PHASES = {
    "created": JobPhase.CREATED,
    "running": JobPhase.RUNNING,
    "paused": JobPhase.RUNNING,
    "restarting": JobPhase.RUNNING,
    "removing": JobPhase.EXITED,
    "exited": JobPhase.EXITED,
    "dead": JobPhase.EXITED,
}


class Place(Model):
    """What the machine adds to a job: its network and address there, the image's variables.

    `missing` are the optional instance paths that the machine does not have.
    """

    network: str
    address: IPv4Address
    image_env: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()


def container_name(token: str) -> str:
    """The name that makes creation idempotent."""
    return f"perdure-{token}"


def create_body(job: Job, place: Place) -> dict[str, Any]:
    """The body of the engine's create call."""
    body: dict[str, Any] = {
        "Image": job.image,
        "Env": variables(job.env, place.image_env),
        "Labels": labels(job),
        "HostConfig": _host_config(job, place),
        "NetworkingConfig": {
            "EndpointsConfig": {
                place.network: {"IPAMConfig": {"IPv4Address": str(place.address)}},
            }
        },
    }
    if job.entrypoint is not None:
        body["Entrypoint"] = list(job.entrypoint)
    if job.command:
        body["Cmd"] = list(job.command)
    if job.user is not None:
        body["User"] = job.user
    if job.working_dir is not None:
        body["WorkingDir"] = job.working_dir
    return body


def labels(job: Job) -> dict[str, str]:
    """Whose the container is, and what is needed to answer for it without the job."""
    return {
        SERVER: job.labels.server,
        PROJECT: job.labels.project,
        RUN: job.labels.run,
        REPLICA: job.labels.replica,
        TOKEN: job.token,
        PORT: str(job.port),
    }


def variables(env: Mapping[str, str], image_env: tuple[str, ...]) -> list[str]:
    """`K=V` for the create call; Docker puts the image's own beneath.

    Tini hands signals to the whole process group, so that the application hears SIGTERM behind a
    shell. Python writes at once unless the image or the user has decided otherwise.
    """
    chosen = {"TINI_KILL_PROCESS_GROUP": "1", **env}
    if not any(entry.startswith("PYTHONUNBUFFERED=") for entry in image_env):
        chosen.setdefault("PYTHONUNBUFFERED", "1")
    return [f"{key}={value}" for key, value in chosen.items()]


def _host_config(job: Job, place: Place) -> dict[str, Any]:
    config: dict[str, Any] = {
        "Init": True,
        "NetworkMode": place.network,
        "RestartPolicy": {"Name": "no"},
        "Privileged": job.privileged,
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": LOG_FILE_SIZE, "max-file": str(LOG_FILES)},
        },
        "Binds": [f"{one.instance_path}:{one.path}" for one in job.mounts if not one.optional],
        # As `Mounts`, a missing source is an error that names it; as `Binds` it is made.
        "Mounts": [
            {"Type": "bind", "Source": one.instance_path, "Target": one.path}
            for one in job.mounts
            if one.optional and one.instance_path not in place.missing
        ],
    }
    if job.shm_size is not None:
        config["ShmSize"] = int(job.shm_size * GIB)
    if job.cpu_limit is not None:
        config["NanoCpus"] = int(job.cpu_limit * 1_000_000_000)
    if job.memory_limit is not None:
        config["Memory"] = config["MemorySwap"] = int(job.memory_limit * GIB)
    if job.gpus:
        config["DeviceRequests"] = [{"DeviceIDs": list(job.gpus), "Capabilities": [["gpu"]]}]
    return config


def job_state(container: Mapping[str, Any]) -> JobState:
    """What an inspected container says."""
    state = container["State"]
    phase = PHASES[state["Status"]]
    if phase is JobPhase.EXITED:
        return JobState(phase=phase, exit_code=state["ExitCode"], out_of_memory=state["OOMKilled"])
    address = _address(container) if phase is JobPhase.RUNNING else ""
    return JobState(phase=phase, address=address)


def _address(container: Mapping[str, Any]) -> str:
    port = container["Config"]["Labels"][PORT]
    networks = container["NetworkSettings"]["Networks"].values()
    return next((f"tcp://{one['IPAddress']}:{port}" for one in networks if one["IPAddress"]), "")
