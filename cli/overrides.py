"""Options of the command line that take the place of properties of the configuration."""

from dataclasses import dataclass, fields

import yaml

from perdure.errors import InvalidConfiguration, InvalidInput
from spec.complaint import named
from spec.reader import read_configuration
from spec.service import ServiceConfiguration

_RESOURCES = ("cpu", "gpu", "memory", "disk")
_FLAGS = {
    "backends": "--backend",
    "regions": "--region",
    "instance_types": "--instance-type",
    "fleets": "--fleet",
    "creation_policy": "--reuse",
    "retry": "--retry-duration",
}


@dataclass(frozen=True)
class Overrides:
    """What was given, as it was typed; None leaves the configuration as it is."""

    name: str | None = None
    backends: list[str] | None = None
    regions: list[str] | None = None
    instance_types: list[str] | None = None
    fleets: list[str] | None = None
    cpu: str | None = None
    gpu: str | None = None
    memory: str | None = None
    disk: str | None = None
    spot_policy: str | None = None
    max_price: float | None = None
    retry: bool | None = None
    retry_duration: str | None = None
    max_duration: str | None = None
    idle_duration: str | None = None
    creation_policy: str | None = None


def override(configuration: ServiceConfiguration, overrides: Overrides) -> ServiceConfiguration:
    """The configuration with what was given. Raises `InvalidInput`, naming the option."""
    given = {
        each.name: value
        for each in fields(overrides)
        if (value := getattr(overrides, each.name)) is not None
    }
    if not given:
        return configuration
    # Only what somebody has set: the server tells a wish from a default.
    asked = configuration.model_dump(mode="json", exclude_unset=True)
    resources = {name: given.pop(name) for name in _RESOURCES if name in given}
    if resources:
        asked["resources"] = {**(asked.get("resources") or {}), **resources}
    duration = given.pop("retry_duration", None)
    if duration is not None:
        known = asked.get("retry") or {}
        given["retry"] = {**known, "duration": duration}
    asked.pop("env", None)
    try:
        changed = read_configuration(yaml.safe_dump(asked | given), "the command line")
    except InvalidConfiguration as error:
        raise _named_option(error) from None
    if "env" not in configuration.model_fields_set:
        return changed
    return changed.model_copy(update={"env": configuration.env})


def _named_option(error: InvalidConfiguration) -> InvalidInput:
    """The error, with the option in the place of the property that it set."""
    keys = [str(step) for step in error.path if step != "resources"]
    if not keys:
        return InvalidInput(error.message, hint=error.hint)
    option = _FLAGS.get(keys[0], f"--{keys[0].replace('_', '-')}")
    return InvalidInput(error.message.replace(named(error.path), f"`{option}`", 1), hint=error.hint)
