"""Groups of replicas, each with its own commands, resources and scaling."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from spec.container import Image, Python
from spec.profile import SpotPolicy
from spec.resources import Resources
from spec.scaling import ReplicaRange, Scaling
from spec.section import Section, problem


class RouterKind(StrEnum):
    """Routers that spread requests over prefill and decode replicas."""

    SGLANG = "sglang"
    DYNAMO = "dynamo"
    SMG = "smg"


class Router(Section):
    """The router that a group runs."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = ({"enum": list(RouterKind)},)

    type: RouterKind

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value


class ReplicaGroup(Section):
    """Replicas that are alike. What is None is the service's own."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    replicas: ReplicaRange = ReplicaRange(min=1, max=1)
    scaling: Scaling | None = None
    resources: Resources = Resources()
    commands: tuple[str, ...] = ()
    image: Image | None = None
    python: Python | None = None
    nvcc: bool | None = None
    docker: bool | None = None
    privileged: bool | None = None
    spot_policy: SpotPolicy | None = None
    reservation: str | None = None
    router: Router | None = None

    @model_validator(mode="before")
    @classmethod
    def _count_is_replicas(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "count" not in value:
            return value
        if "replicas" in value:
            raise problem("`count` and `replicas` are the same: give one.", at=("count",))
        return {"replicas" if key == "count" else key: item for key, item in value.items()}

    @model_validator(mode="after")
    def _router_alone(self) -> Self:
        check_scaling(self.replicas, self.scaling)
        if self.router and (self.replicas.min, self.replicas.max) != (1, 1):
            raise problem("A group with a `router` has exactly one replica.", at=("replicas",))
        return self


def check_scaling(replicas: ReplicaRange, scaling: Scaling | None) -> None:
    """A range of replicas needs `scaling`, and `scaling` needs a range."""
    if scaling is None and not replicas.fixed:
        raise problem(
            f"`replicas` is the range {replicas}, which needs `scaling`.",
            at=("replicas",),
            hint="Add `scaling` with `metric: rps` and a `target`, or give a fixed number.",
        )
    if scaling is not None and replicas.fixed:
        raise problem(
            "`scaling` needs a range of replicas.",
            at=("scaling",),
            hint="Write `replicas: 1..4`, or remove `scaling`.",
        )


def named_groups(groups: Any) -> Any:
    """The groups of a file, each without a name called by its place in the list."""
    if not isinstance(groups, list | tuple):
        return groups
    return [
        {"name": str(place), **group} if isinstance(group, dict) else group
        for place, group in enumerate(groups)
    ]


def check_groups(groups: tuple[ReplicaGroup, ...]) -> tuple[ReplicaGroup, ...]:
    """At least one, of different names, with at most one router."""
    if not groups:
        raise problem("An empty list of groups runs nothing.")
    names: set[str] = set()
    for place, group in enumerate(groups):
        if group.name in names:
            raise problem(f"Two groups are called `{group.name}`.", at=(place,))
        names.add(group.name)
    if sum(group.router is not None for group in groups) > 1:
        raise problem("Only one group can have a `router`.")
    return groups
