"""A job: one replica's container, in the terms of the machine that runs it.

A job holds secrets in plain text. It is made in the activity that starts it, handed to a runtime,
and is never an argument or a result of an activity.
"""

from enum import StrEnum

from pydantic import Field

from spec.public import Model, PublicModel


class RegistryCredentials(Model):
    """Who pulls the image. `$oauthtoken` and the like are literal: nothing is expanded."""

    username: str
    password: str = Field(repr=False)


class JobMount(Model):
    """A folder of the machine inside the container. `optional`: left out where it is missing."""

    instance_path: str
    path: str
    optional: bool = False


class JobLabels(PublicModel):
    """Whose container this is; `server` is the id of the installation that made it."""

    server: str
    project: str
    run: str
    replica: str


class JobCode(Model):
    """The code: the path of a gzipped tar on this machine, to be unpacked into `/workflow`.

    `limit` is the most that its files may have together, in bytes.
    """

    path: str
    limit: int


class Job(Model):
    """Everything that is needed to run one replica. `token` is its identity on the machine.

    `command` is the argument vector after the entrypoint; `entrypoint` None is the image's own.
    `shm_size`, `cpu_limit` and `memory_limit` are limits in GB and CPUs, None for the machine's.
    `gpus` are ids of `spec.machine.Gpu`. `python`, `nvcc` are the configuration's, for runtimes
    without images. `port` is the port the service listens on inside.
    """

    token: str
    labels: JobLabels
    image: str | None = None
    registry: RegistryCredentials | None = Field(default=None, repr=False)
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] = ()
    env: dict[str, str] = Field(default={}, repr=False)
    user: str | None = None
    working_dir: str | None = None
    privileged: bool = False
    shm_size: float | None = None
    cpu_limit: float | None = None
    memory_limit: float | None = None
    gpus: tuple[str, ...] = ()
    mounts: tuple[JobMount, ...] = ()
    code: JobCode | None = None
    python: str | None = None
    nvcc: bool = False
    port: int


class PullProgress(PublicModel):
    """How far a pull is. Bytes; `total` grows while the registry tells of more layers."""

    done: int = 0
    total: int = 0
    step: str = ""


class JobPhase(StrEnum):
    """Where a job is on its machine."""

    MISSING = "missing"
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


class JobState(PublicModel):
    """What the machine says of a job. `exit_code` only when exited; `address` only when running."""

    phase: JobPhase
    address: str = ""
    exit_code: int | None = None
    out_of_memory: bool = False
