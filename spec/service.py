"""A service's configuration: everything that a `type: service` file can say, in its long form."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from spec.container import ContainerOptions
from spec.model_endpoint import ModelEndpoint
from spec.placement import Gateway
from spec.probe import Probes
from spec.profile import Profile, ProfileParameters
from spec.rate_limit import RateLimits
from spec.replicas import ReplicaGroup, check_groups, check_scaling, named_groups
from spec.scaling import ReplicaRange, Scaling
from spec.section import Section, problem

__all__ = ["ServiceConfiguration", "with_profile"]

_NAME = re.compile(r"^[a-z][a-z0-9-]{1,40}$")
_PORT_FORM = "Write a port from 1 to 65535, as in `port: 8000`."


def _container_port(value: Any) -> Any:
    """`8000`, `"80:8000"` and `{local_port, container_port}`: only the container's has effect."""
    if isinstance(value, dict) and value.keys() <= {"local_port", "container_port"}:
        _port_number(value.get("local_port") or 1)
        return _port_number(value.get("container_port"))
    if isinstance(value, str) and value.count(":") == 1:
        local_port, container_port = value.split(":")
        _port_number(local_port)
        return _port_number(container_port)
    return _port_number(value)


def _port_number(value: Any) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise problem("This is not a port.", hint=_PORT_FORM)


def _parse_https(value: Any) -> Any:
    if value is None or value == "auto":
        return "auto"
    if value in ("true", "yes", "on", "1", 1):
        return True
    if value in ("false", "no", "off", "0", 0):
        return False
    raise problem("This is neither `true`, `false` nor `auto`.")


Port = Annotated[
    int,
    BeforeValidator(_container_port),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": r"^(\d{1,5}:)?\d{1,5}$"},
                {
                    "type": "object",
                    "properties": {"local_port": {}, "container_port": {}},
                    "required": ["container_port"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise problem(
            f"`{name}` is not a run's name.",
            hint="Write 2 to 41 lower-case letters, digits and dashes, a letter first.",
        )
    return name


RunName = Annotated[
    str, AfterValidator(_checked_name), Field(json_schema_extra={"pattern": _NAME.pattern})
]
"""The identity of a run in its project; it is part of a host name."""


class EndpointOptions(Section):
    """What is a service's own: its name, its port, how it is reached and scaled.

    `name` None is made up at apply, `gateway` None is the project's own if it has one. `probes`
    None is the default probe of an `openai` model (or none), an empty list is none. With `groups`,
    each has its own replicas and scaling.
    """

    type: Literal["service"] = "service"
    name: RunName | None = None
    port: Port
    gateway: Gateway | None = None
    strip_prefix: bool = True
    model: ModelEndpoint | None = None
    https: Annotated[bool | Literal["auto"], BeforeValidator(_parse_https)] = "auto"
    auth: bool = True
    replicas: ReplicaRange = ReplicaRange(min=1, max=1)
    groups: (
        Annotated[
            tuple[ReplicaGroup, ...], BeforeValidator(named_groups), AfterValidator(check_groups)
        ]
        | None
    ) = None
    scaling: Scaling | None = None
    rate_limits: RateLimits = ()
    probes: Probes | None = None


class ServiceConfiguration(ProfileParameters, ContainerOptions, EndpointOptions):
    """A service. `model_dump(mode="json")` is its canonical long form, and validates back to it."""

    @model_validator(mode="before")
    @classmethod
    def _replicas_may_be_groups(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("replicas"), list | tuple):
            return value
        if value.get("groups") is not None:
            raise problem("`replicas` and `groups` both list groups: give one.", at=("groups",))
        return {"groups" if key == "replicas" else key: item for key, item in value.items()}

    @model_validator(mode="after")
    def _properties_agree(self) -> Self:
        if self.image is not None and self.python is not None:
            raise _exclusive("image", "python")
        for field in ("image", "python", "nvcc"):
            if self.docker and getattr(self, field):
                raise _exclusive(field, "docker")
        if self.groups is not None:
            self._groups_agree(self.groups)
        else:
            check_scaling(self.replicas, self.scaling)
            if not self.commands and self.image is None:
                raise problem(
                    "`commands` or `image` is needed: there is nothing to run.",
                    at=("commands",),
                    hint="Add `commands`, or an `image` that starts the service by itself.",
                )
        return self

    def _groups_agree(self, groups: tuple[ReplicaGroup, ...]) -> None:
        for field in ("commands", "scaling"):
            if getattr(self, field):
                raise problem(f"With groups, `{field}` belongs to each group.", at=(field,))
        if self.replicas != ReplicaRange(min=1, max=1):
            raise problem("With groups, `replicas` belongs to each group.", at=("replicas",))
        for place, group in enumerate(groups):
            if not group.commands and group.image is None and self.image is None:
                raise problem(
                    f"The group `{group.name}` needs `commands` or `image`.", at=("groups", place)
                )


def _exclusive(first: str, second: str) -> Exception:
    return problem(f"`{first}` and `{second}` exclude each other.", at=(second,), hint="Give one.")


def with_profile(configuration: ServiceConfiguration, profile: Profile) -> ServiceConfiguration:
    """The configuration, with what the profile sets and the configuration itself does not."""
    inherited = {
        field: getattr(profile, field)
        for field in ProfileParameters.model_fields
        if field in profile.model_fields_set - configuration.model_fields_set
    }
    return configuration.model_copy(update=inherited)
