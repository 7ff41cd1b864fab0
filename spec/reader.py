"""From the text of a file to a checked configuration, or to errors that say where and why."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from spec.complaint import Complaint, complaint, suggestion
from spec.position import Path
from spec.profile import Profiles
from spec.service import ServiceConfiguration
from spec.source import Source

Read = TypeVar("Read", bound=BaseModel)

_OTHER_TYPES = {
    "task": "Tasks are not supported: a configuration describes a service.",
    "dev-environment": "Dev environments are not supported: a configuration describes a service.",
    "volume": "Volumes are made where the machines are: a configuration describes a service.",
    "fleet": "`type: fleet` is not supported yet.",
    "gateway": "`type: gateway` is not supported yet.",
}
_RIGHT_TYPE = "Write `type: service`."


def read_configuration(text: str, file: str) -> ServiceConfiguration:
    """The service that `text` describes; `file` is its name in errors.

    A key without a value counts as not written. Raises `InvalidConfiguration` for the first of all
    problems, with the others, each at the line and column of the key or list item; no value of
    `env` is in a message.
    """
    source = Source.parse(text, file)
    _check_type(source)
    data = _written(source.data)
    return _validated(ServiceConfiguration, source, data, _valueless_variables(source))


def read_profiles(text: str, file: str) -> Profiles:
    """The profiles of a `profiles.yml`; raises as `read_configuration` does."""
    source = Source.parse(text, file)
    data = _written(source.data)
    if isinstance(profiles := data.get("profiles"), list):
        data["profiles"] = [_written(item) if isinstance(item, dict) else item for item in profiles]
    return _validated(Profiles, source, data)


def _written(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def _check_type(source: Source) -> None:
    """What is no service is not looked at any further."""
    kind = source.data.get("type")
    if kind is None:
        raise source.failure(("type",), "`type` is missing.", hint="Begin with `type: service`.")
    if kind == "service":
        return
    if isinstance(kind, str) and kind in _OTHER_TYPES:
        raise source.failure(("type",), _OTHER_TYPES[kind], hint=_RIGHT_TYPE)
    raise source.failure(
        ("type",),
        f"`type`: `{kind}` is not allowed." if isinstance(kind, str) else "`type` expects text.",
        hint=suggestion(str(kind), ["service"]) or _RIGHT_TYPE,
    )


def _valueless_variables(source: Source) -> list[Complaint]:
    """In a file, a name without a value is an entry of a list; null is kept for the long form."""
    variables = source.data.get("env")
    if not isinstance(variables, dict):
        return []
    return [
        Complaint(
            ("env", name),
            f"`env.{name}` has no value.",
            f'Write `{name}: ""`, or a list with `- {name}` for a value given later.',
        )
        for name, value in variables.items()
        if value is None
    ]


def _validated(
    model: type[Read], source: Source, data: dict[str, Any], found: Sequence[Complaint] = ()
) -> Read:
    """The value; `found` are complaints that were had before."""
    try:
        value = model.model_validate(data, extra="forbid")
    except ValidationError as error:
        found = [*found, *(complaint(e, model, source) for e in error.errors(include_url=False))]
    else:
        if not found:
            return value
    first, *others = (
        source.failure(each.path, each.message, hint=each.hint) for each in _in_order(source, found)
    )
    raise first.with_others(others)


def _in_order(source: Source, complaints: Sequence[Complaint]) -> list[Complaint]:
    """One for each place, by lines and columns.

    What is missing comes last: it is nowhere, and often follows from a typo elsewhere. A whole is
    not to blame while a part of it is.
    """
    wholes = {item.path[:end] for item in complaints for end in range(len(item.path))}
    firsts: dict[Path, Complaint] = {}
    for item in complaints:
        if item.path not in wholes:
            firsts.setdefault(item.path, item)

    def place(item: Complaint) -> tuple[bool, int, int]:
        position = source.position(item.path)
        return (item.missing, position.line, position.column)

    return sorted(firsts.values(), key=place)
