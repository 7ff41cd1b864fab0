"""Every setting, declared once with its reason and its unit; the documentation is made from here.

Each is an environment variable `PERDURE_<NAME>`. Temporal's own client reads `TEMPORAL_ADDRESS`,
`TEMPORAL_NAMESPACE`, `TEMPORAL_PROFILE` and the rest of its environment configuration by itself.
"""

import re
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from perdure.data_dir import DataDir
from perdure.errors import CannotStart

DATABASES = ("sqlite+aiosqlite:///", "postgresql+asyncpg://", "postgresql://", "postgres://")

FIELD = re.compile(r'field "(?P<name>\w+)"')
"""How the library names the setting that it could not read."""


class RuntimeChoice(StrEnum):
    """How the local backend runs replicas; `auto` is Docker where its engine answers."""

    AUTO = "auto"
    DOCKER = "docker"
    PROCESS = "process"


class LogFormat(StrEnum):
    """How our processes write their log."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which lines on our processes write their log."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """What an operator may change. Frozen: read once at the start of a process."""

    model_config = SettingsConfigDict(
        env_prefix="PERDURE_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(
        default=Path("~/.perdure/server"),
        description="The folder of everything that the server keeps. Back it up as a whole.",
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="The store: `sqlite+aiosqlite:///PATH`, or "
        "`postgresql+asyncpg://USER:PASSWORD@HOST:PORT/DATABASE` with `perdure[postgres]`; libpq's "
        "parameters may follow, and its variables and `~/.pgpass` count. Empty: `perdure.db` in "
        "the data directory.",
    )
    master_key_file: Path | None = Field(
        default=None,
        description="The 32-byte key from which all others come, where it must not lie beside the "
        "data that it protects. Unset: `master.key` in the data directory.",
    )
    admin_token: SecretStr | None = Field(
        default=None,
        description="The token of the user `admin`, to be set at the first start. Unset: a random "
        "one is made and written to `admin.token` in the data directory.",
    )

    instance: str = Field(
        default="",
        pattern=r"^[a-z0-9-]{0,16}$",
        description="The name of this process where several of its kind share a data directory, as "
        "in `two`: its sockets there are `api-two.sock` and their like. Up to 16 of `a-z0-9-`.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="The IP address that the front door listens on. The default is this machine "
        "only; `0.0.0.0` opens it to the network, without TLS.",
    )
    port: int = Field(
        default=3000,
        ge=1,
        le=65535,
        description="The port of the front door: API, services and models.",
    )
    ui_port: int = Field(
        default=8233,
        ge=0,
        le=65535,
        description="The port of Temporal's web UI, behind our sign-in, on 127.0.0.1 only. The "
        "default is Temporal's own; 0 takes any that is free.",
    )
    temporal_ui: str = Field(
        default="",
        description="Where the API process finds Temporal's own web UI, which has no login: "
        "`http://HOST:PORT`. The embedded server sets it. Empty: no UI is served.",
    )
    public_url: str = Field(
        default="",
        description="The URL under which people reach the front door, where it differs from "
        "`http://localhost:<port>`. Endpoints are printed with it.",
    )

    health_host: str = Field(
        default="127.0.0.1",
        description="The IP address of `PERDURE_HEALTH_PORT`. What is told there has no login: "
        "open it to a network of operators only.",
    )
    health_port: int = Field(
        default=0,
        ge=0,
        le=65531,
        description="The first of five ports for `/healthz`, `/startz`, `/readyz` and `/metrics`: "
        "of the server, then the API, the worker, the proxy and the tunnels. 0: on unix sockets in "
        "the data directory only.",
    )

    runtime: RuntimeChoice = Field(
        default=RuntimeChoice.AUTO,
        description="What the local backend runs replicas with: `auto`, `docker` or `process` "
        "(no isolation, for trying things out).",
    )
    docker_host: str = Field(
        default="unix:///var/run/docker.sock",
        validation_alias=AliasChoices("PERDURE_DOCKER_HOST", "DOCKER_HOST"),
        description="The Docker engine of this machine; `DOCKER_HOST` counts when "
        "`PERDURE_DOCKER_HOST` is not set.",
    )
    image: str = Field(
        default="dstackai/base:py{python}-0.6-cuda-12.1",
        description="The image of a service without `image`; `{python}` is its Python version.",
    )
    image_nvcc_suffix: str = Field(
        default="-devel",
        description="What is appended to the default image for `nvcc: true`: it brings CUDA's "
        "compiler.",
    )
    image_pythons: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("3.9", "3.10", "3.11", "3.12", "3.13"),
        min_length=1,
        description="The Python versions for which the default image exists, with commas between "
        "them.",
    )
    code_limit_mb: int = Field(
        default=100,
        ge=1,
        description="The most that the files of a run's code may have together, in MB before "
        "compression. The command line asks for it. More is nearly always data that was not "
        "ignored.",
    )
    code_quota_mb: int = Field(
        default=2048,
        ge=1,
        description="How much code of one project the server keeps, in MB as it was sent. Code "
        "that no living run uses goes by itself, an hour after it was last sent or asked for.",
    )
    log_quota_mb: int = Field(
        default=256,
        ge=1,
        description="How much log of one life of a run the store keeps, in MB. A replica that goes "
        "beyond it ends: what writes so much is in a loop.",
    )

    audit_days: int = Field(
        default=365,
        ge=1,
        description="How many days an event stays in the audit log. A year covers most reviews, "
        "and an event is some 200 bytes.",
    )

    decision_days: int = Field(
        default=30,
        ge=1,
        description="How many days the store remembers what runs decided and how they were: what "
        "`perdure why` and `--at` can tell. What was in force before stays until something newer "
        "is as old. A decision is some 500 bytes.",
    )

    load_days: int = Field(
        default=30,
        ge=2,
        description="How many days the store remembers how many requests came to each service: "
        "what `perdure plan --replay` can replay. It is by 10 s for two days, then by the minute: "
        "some 5 MB for a service that is never idle.",
    )

    heartbeat: float = Field(
        default=30.0,
        gt=0,
        description="Seconds without a sign of life after which Temporal gives a long activity to "
        "another worker. Cancellation is heard within 0.8 of it.",
    )
    sticky_timeout: float = Field(
        default=10.0,
        gt=0,
        description="Seconds for which a workflow waits for the worker that has it in memory, "
        "before any other may take it.",
    )
    owner_check: float = Field(
        default=300.0,
        gt=0,
        description="Seconds between two questions of a replica's monitor whether its run still "
        "exists.",
    )
    watch_tick: float = Field(
        default=1.0,
        gt=0,
        description="Seconds between two looks at what the proxies count, by which services follow "
        "their load.",
    )
    lease: float = Field(
        default=15.0,
        gt=0,
        description="Seconds for which a proxy's registration counts. A drain waits for no proxy "
        "whose lease ran out and that does not answer.",
    )
    anti_entropy: float = Field(
        default=20.0,
        gt=0,
        description="Seconds between two full comparisons of a proxy's table with Temporal.",
    )
    held_per_service: int = Field(
        default=2_000,
        ge=0,
        description="Requests of one service that a proxy process holds while none of its replicas "
        "is ready. More get a 503 with `Retry-After` at once. 0: none is held.",
    )
    held_in_all: int = Field(
        default=10_000,
        ge=0,
        description="Requests that a proxy process holds together, at up to 10 kB each without "
        "their bodies. Each keeps a connection of its client open.",
    )
    held_seconds: float = Field(
        default=900.0,
        gt=0,
        description="Seconds for which a proxy holds a request, then it gets a 503. Within 15 "
        "minutes most models are loaded, and few clients wait longer.",
    )
    websocket_grace: float = Field(
        default=30.0,
        ge=0,
        description="Seconds for which the WebSockets of a replica that drains go on, before a "
        "close frame (1001). Keep it below the `stop_duration` of services, which ends them all.",
    )
    ready_timeout: float = Field(
        default=60.0,
        gt=0,
        description="Seconds that the parts of the embedded server may take to become ready, and "
        "for which API and worker wait for the store's set-up and for Temporal.",
    )
    start_timeout: float = Field(
        default=7200.0,
        gt=0,
        description="Seconds that a started service may take until it answers. Installing vLLM and "
        "loading a large model takes many minutes.",
    )
    max_cached_workflows: int = Field(
        default=5000,
        ge=10,
        description="Workflows that a worker keeps in memory, at about 0.1 MB each.",
    )
    log: LogFormat = Field(
        default=LogFormat.TEXT,
        description="The form of the log that our processes write to stderr: `text` for people, or "
        "`json`, one object a line. From which lines on is `PERDURE_LOG_LEVEL`.",
    )
    log_level: LogLevel = Field(
        default=LogLevel.INFO,
        description="The least level that is logged: `info`, `warning` or `error`. The form is "
        "`PERDURE_LOG`.",
    )

    @field_validator("data_dir", "master_key_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path and path.expanduser().absolute()

    @field_validator("image_pythons", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """By commas, or as JSON, which the values of lists had to be."""
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return TypeAdapter(tuple[str, ...]).validate_json(value)
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: SecretStr) -> SecretStr:
        if url and not url.get_secret_value().startswith(DATABASES):
            raise ValueError("it is a URL of neither SQLite nor PostgreSQL")
        return url

    @field_validator("host", "health_host")
    @classmethod
    def _address(cls, host: str) -> str:
        return str(ip_address("127.0.0.1" if host == "localhost" else host))

    @cached_property
    def data(self) -> DataDir:
        """The data directory, as names of what is in it."""
        return DataDir(self.data_dir, self.instance)

    @property
    def store_url(self) -> str:
        """The URL of the store: a secret, since a password may be in it."""
        return self.database_url.get_secret_value() or f"sqlite+aiosqlite:///{self.data.database}"

    @property
    def master_key_path(self) -> Path:
        """Where the master key is."""
        return self.master_key_file or self.data.master_key

    @property
    def base_url(self) -> str:
        """The URL under which people reach the front door, without a slash at its end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")


def read_settings(*, data_dir: Path | None = None) -> Settings:
    """The settings of this process, from its environment. Raises `CannotStart`, naming the first.

    A `data_dir` wins over the environment's. Values are not repeated: some are secret.
    """
    try:
        return Settings(data_dir=data_dir) if data_dir else Settings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        raise _unusable(str(first["loc"][0]), reason) from error
    except SettingsError as error:
        named = FIELD.search(str(error))
        raise _unusable(named["name"] if named else "…", "it cannot be read") from error


def _unusable(setting: str, reason: str) -> CannotStart:
    name = setting.upper().removeprefix("PERDURE_")
    known = Settings.model_fields.get(name.lower())
    return CannotStart(
        f"`PERDURE_{name}` cannot be used: {reason}.",
        hint=(known.description if known else None) or "",
    )
