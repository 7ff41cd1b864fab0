"""Profiles: where, at what price and for how long replicas run; inline, or named in a file."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from perdure.errors import NotFound
from spec.placement import AllWhenEmpty, BackendName, InstanceName, QualifiedName
from spec.retry import OptionalRetry
from spec.schedule import Schedule
from spec.section import Section, problem
from spec.units import Duration, IdleDuration, OffableDuration


class SpotPolicy(StrEnum):
    """Whether machines that can be taken away are wanted; `auto` takes both."""

    SPOT = "spot"
    ON_DEMAND = "on-demand"
    AUTO = "auto"


class CreationPolicy(StrEnum):
    """Whether new machines may be created, or only those there are be used."""

    REUSE = "reuse"
    REUSE_OR_CREATE = "reuse-or-create"


class StartupOrder(StrEnum):
    """Which node starts first."""

    ANY = "any"
    MASTER_FIRST = "master-first"
    WORKERS_FIRST = "workers-first"


class StopCriteria(StrEnum):
    """Which nodes must be done for a run to be done."""

    ALL_DONE = "all-done"
    MASTER_DONE = "master-done"


class UtilizationPolicy(Section):
    """Stop when every GPU stays below a percentage for `time_window` seconds."""

    min_gpu_utilization: int = Field(ge=0, le=100)
    time_window: Annotated[Duration, Field(ge=300)]


Name = Annotated[str, Field(min_length=1)]
TagKey = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,60}$")]
TagValue = Annotated[str, Field(pattern=r"^[a-zA-Z0-9 .:/=_\-+@]{0,256}$")]


class ProfileParameters(Section):
    """What a profile and a configuration have in common.

    None restricts nothing (lists, `max_price` in USD per hour) or is off (durations in seconds).
    """

    backends: Annotated[tuple[BackendName, ...] | None, AllWhenEmpty] = None
    regions: Annotated[tuple[Name, ...] | None, AllWhenEmpty] = None
    availability_zones: Annotated[tuple[Name, ...] | None, AllWhenEmpty] = None
    instance_types: Annotated[tuple[Name, ...] | None, AllWhenEmpty] = None
    reservation: str | None = None
    spot_policy: SpotPolicy = SpotPolicy.ON_DEMAND
    retry: OptionalRetry = None
    max_duration: OffableDuration = None
    stop_duration: OffableDuration = 300
    max_price: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    creation_policy: CreationPolicy = CreationPolicy.REUSE_OR_CREATE
    idle_duration: IdleDuration = 300
    utilization_policy: UtilizationPolicy | None = None
    startup_order: StartupOrder = StartupOrder.ANY
    stop_criteria: StopCriteria = StopCriteria.ALL_DONE
    schedule: Schedule | None = None
    fleets: Annotated[tuple[QualifiedName, ...] | None, AllWhenEmpty] = None
    instances: Annotated[tuple[InstanceName, ...], Field(min_length=1)] | None = None
    tags: dict[TagKey, TagValue] = Field(default={})
    backend_options: dict[BackendName, dict[str, JsonValue]] = Field(default={})


class Profile(ProfileParameters):
    """A named set of parameters; the `default` one applies where none is chosen."""

    name: Name
    default: bool = False


class Profiles(Section):
    """The contents of `.dstack/profiles.yml`."""

    profiles: tuple[Profile, ...] = ()

    @field_validator("profiles", mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        return () if value is None else value

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names: set[str] = set()
        for place, profile in enumerate(self.profiles):
            if profile.name in names:
                raise problem(f"Two profiles are called `{profile.name}`.", at=("profiles", place))
            names.add(profile.name)
        defaults = [place for place, profile in enumerate(self.profiles) if profile.default]
        if len(defaults) > 1:
            raise problem("Two profiles are the default.", at=("profiles", defaults[1], "default"))
        return self

    def choose(self, name: str | None = None) -> Profile | None:
        """The profile of that name (`NotFound` without one); for None the default, if any."""
        for profile in self.profiles:
            if profile.name == name or (name is None and profile.default):
                return profile
        if name is None:
            return None
        known = ", ".join(f"`{profile.name}`" for profile in self.profiles) or "none"
        raise NotFound(f"There is no profile `{name}`.", hint=f"The file has {known}.")
