"""Where replicas may run: backends, fleets, and single machines, by name."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from spec.section import Section

NAME_PATTERN = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"


class BackendName(StrEnum):
    """Backends that a configuration may name, whether or not this server has them."""

    AMDDEVCLOUD = "amddevcloud"
    AWS = "aws"
    AZURE = "azure"
    CLOUDRIFT = "cloudrift"
    CRUSOE = "crusoe"
    CUDO = "cudo"
    DATACRUNCH = "datacrunch"
    DIGITALOCEAN = "digitalocean"
    DSTACK = "dstack"
    GCP = "gcp"
    HOTAISLE = "hotaisle"
    KUBERNETES = "kubernetes"
    LAMBDA = "lambda"
    LOCAL = "local"
    NEBIUS = "nebius"
    OCI = "oci"
    REMOTE = "remote"
    RUNPOD = "runpod"
    SSH = "ssh"
    TENSORDOCK = "tensordock"
    VASTAI = "vastai"
    VERDA = "verda"
    VULTR = "vultr"


class QualifiedName(Section):
    """A fleet or a gateway, `name` or `project/name`; None is the run's own project."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "string", "pattern": r"^[^/\s]+(/[^/\s]+)?$"},
    )

    project: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    name: Annotated[str, Field(pattern=NAME_PATTERN)]

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        project, slash, name = value.rpartition("/")
        return {"project": project, "name": name} if slash else {"name": name}


class NamedInstance(Section):
    """A machine, by the name that the server gave it."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = ({"type": "string", "minLength": 1},)

    name: Annotated[str, Field(min_length=1)]


class HostInstance(Section):
    """A machine, by its host name or address."""

    hostname: Annotated[str, Field(min_length=1)]


class FleetInstance(Section):
    """A machine, by its number in a fleet."""

    fleet: QualifiedName
    instance: int = Field(ge=0)


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _kind(value: Any) -> str:
    for kind, mark in (("host", "hostname"), ("fleet", "fleet")):
        if mark in value if isinstance(value, dict) else hasattr(value, mark):
            return kind
    return "name"


InstanceName = Annotated[
    Annotated[NamedInstance, Tag("name")]
    | Annotated[HostInstance, Tag("host")]
    | Annotated[FleetInstance, Tag("fleet")],
    Discriminator(_kind),
    BeforeValidator(_named),
]
"""One machine, however it is named."""


def _all_when_empty(value: Any) -> Any:
    return None if value in ([], ()) else value


def _parse_gateway(value: Any) -> Any:
    if value in ("true", "yes", "on", "1", 1):
        return True
    return False if value in ("false", "no", "off", "0", 0) else value


AllWhenEmpty = BeforeValidator(_all_when_empty)
"""An empty list restricts nothing, like None."""


def _gateway_kind(value: Any) -> str:
    return "switch" if isinstance(value, bool) else "name"


Gateway = Annotated[
    Annotated[bool, Tag("switch")] | Annotated[QualifiedName, Tag("name")],
    Discriminator(_gateway_kind),
    BeforeValidator(_parse_gateway),
]
"""True insists on a gateway, False forbids one, a name chooses one."""
