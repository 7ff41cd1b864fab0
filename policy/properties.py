"""What this version does with each property of a service: every one has exactly one treatment.

Admission refuses and warns by it, the diff tells by it what a change takes, and the reference of
service files is marked by it.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from spec.model_endpoint import TgiModel
from spec.profile import CreationPolicy, StartupOrder, StopCriteria
from spec.service import ServiceConfiguration
from spec.volumes import VolumeMount


class Treatment(StrEnum):
    """What becomes of a property, and of a change of it on a living run."""

    IDENTITY = "identity"
    """It says which run is meant: between two specifications of one run it cannot differ."""
    NOT_BUILT = "not built"
    """Each value that asks for something is refused, so that the others mean the same: nothing."""
    NO_EFFECT = "no effect"
    """Nobody reads it. Away from its default it is warned of; a change of it is none."""
    IN_PLACE = "in place"
    """A change reaches a living run, and leaves the containers of its replicas alone."""
    NEW_REPLICA = "new replica"
    """A change takes new replicas, which come by turns."""


PROPERTIES: Mapping[Treatment, frozenset[str]] = {
    Treatment.IDENTITY: frozenset({"type", "name"}),
    Treatment.NOT_BUILT: frozenset(
        {
            *("gateway", "https", "groups", "rate_limits"),
            *("docker", "files", "repos", "dstack", "priority"),
            *("reservation", "creation_policy"),
            *("startup_order", "stop_criteria", "fleets", "instances"),
            "backend_options",
        }
    ),
    Treatment.NO_EFFECT: frozenset({"home_dir", "setup", "single_branch", "idle_duration", "tags"}),
    Treatment.IN_PLACE: frozenset(
        {
            *("replicas", "scaling", "auth", "strip_prefix", "retry"),
            *("max_duration", "stop_duration", "max_price", "schedule"),
        }
    ),
    Treatment.NEW_REPLICA: frozenset(
        {
            *("port", "model", "probes", "utilization_policy"),
            *("image", "commands", "entrypoint", "python", "nvcc", "registry_auth", "privileged"),
            *("user", "shell", "working_dir", "env", "volumes", "resources"),
            *("backends", "regions", "availability_zones", "instance_types", "spot_policy"),
        }
    ),
}


def treatment_of(name: str) -> Treatment:
    """That of a property of `ServiceConfiguration`. Raises `KeyError` for a name that is none."""
    for treatment, names in PROPERTIES.items():
        if name in names:
            return treatment
    raise KeyError(name)


Uses = Callable[[ServiceConfiguration], bool]

NOT_BUILT: tuple[tuple[str, str, Uses], ...] = (
    ("groups", "groups", lambda asked: asked.groups is not None),
    ("rate_limits", "rate_limits", lambda asked: bool(asked.rate_limits)),
    ("gateway", "gateway", lambda asked: asked.gateway not in (None, False)),
    ("https", "https: true", lambda asked: asked.https is True),
    ("model", "model with `format: tgi`", lambda asked: isinstance(asked.model, TgiModel)),
    ("docker", "docker: true", lambda asked: asked.docker),
    (
        "volumes",
        "network volumes",
        lambda asked: any(isinstance(mount, VolumeMount) for mount in asked.volumes),
    ),
    ("files", "files", lambda asked: bool(asked.files)),
    ("repos", "repos", lambda asked: bool(asked.repos)),
    ("dstack", "dstack: true", lambda asked: asked.dstack),
    ("priority", "priority", lambda asked: asked.priority != 0),
    ("reservation", "reservation", lambda asked: asked.reservation is not None),
    (
        "creation_policy",
        "creation_policy: reuse",
        lambda asked: asked.creation_policy is CreationPolicy.REUSE,
    ),
    (
        "startup_order",
        "startup_order",
        lambda asked: asked.startup_order is not StartupOrder.ANY,
    ),
    (
        "stop_criteria",
        "stop_criteria",
        lambda asked: asked.stop_criteria is not StopCriteria.ALL_DONE,
    ),
    ("fleets", "fleets", lambda asked: asked.fleets is not None),
    ("instances", "instances", lambda asked: asked.instances is not None),
    ("backend_options", "backend_options", lambda asked: bool(asked.backend_options)),
)
"""What is read and checked, and whose effect is not built yet: the property, what is refused by
that name, and whether a configuration asks for it. Of a property with another treatment it is one
form that is refused, such as network volumes."""


def not_built(asked: ServiceConfiguration) -> tuple[str, ...]:
    """What the configuration asks for that is not built, as it is named."""
    return tuple(name for _, name, uses in NOT_BUILT if uses(asked))


def without_effect(asked: ServiceConfiguration) -> tuple[str, ...]:
    """The properties that were set away from their defaults, and that nobody reads."""
    fields = ServiceConfiguration.model_fields
    return tuple(
        name
        for name in sorted(PROPERTIES[Treatment.NO_EFFECT])
        if getattr(asked, name) != fields[name].get_default()
    )
