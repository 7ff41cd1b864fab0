"""From the text of a file to a checked configuration, or to one error that says where and why."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from perdure.errors import InvalidConfiguration
from spec.complaint import Complaint, complaint, suggestion
from spec.profile import Profiles
from spec.service import ServiceConfiguration
from spec.source import Source, failure

Read = TypeVar("Read", bound=BaseModel)

_OTHER_TYPES = {
    "task": "perdure runs services, not tasks",
    "dev-environment": "perdure runs services, not dev environments",
    "volume": "perdure runs services; volumes are made where the machines are",
    "fleet": "`type: fleet` is not supported yet",
    "gateway": "`type: gateway` is not supported yet",
}


def read_configuration(text: str, file: str) -> ServiceConfiguration:
    """The service that `text` describes; `file` is its name in errors.

    A key without a value counts as not written. Raises `InvalidConfiguration` for the first of all
    problems, at the line and column of the key or list item; no value of `env` is in a message.
    """
    source = Source.parse(text, file)
    _check_type(source)
    _check_environment(source)
    return _validated(ServiceConfiguration, source, _written(source.data))


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
    kind = source.data.get("type")
    position = source.position(("type",))
    if kind is None:
        raise failure(source.file, position, "`type` is missing", hint="begin with `type: service`")
    if kind == "service":
        return
    if isinstance(kind, str) and kind in _OTHER_TYPES:
        raise failure(source.file, position, _OTHER_TYPES[kind], hint="write `type: service`")
    raise failure(
        source.file,
        position,
        f"`type`: `{kind}` is not allowed" if isinstance(kind, str) else "`type` expects text",
        hint=suggestion(str(kind), ["service"]) or "write `type: service`",
    )


def _check_environment(source: Source) -> None:
    """In a file, a name without a value is an entry of a list; null is kept for the long form."""
    variables = source.data.get("env")
    if not isinstance(variables, dict):
        return
    for name, value in variables.items():
        if value is None:
            raise failure(
                source.file,
                source.position(("env", name)),
                f"`env.{name}` has no value",
                hint=f'write `{name}: ""`, or a list with `- {name}` for a value given later',
            )


def _validated(model: type[Read], source: Source, data: dict[str, Any]) -> Read:
    try:
        return model.model_validate(data, extra="forbid")
    except ValidationError as error:
        complaints = [complaint(item, model, source) for item in error.errors(include_url=False)]
    raise _first_in_file(source, complaints)


def _first_in_file(source: Source, complaints: list[Complaint]) -> InvalidConfiguration:
    """What is missing comes last: it is nowhere, and often follows from a typo elsewhere.

    A whole is not to blame while a part of it is.
    """
    parts = {item.path[:end] for item in complaints for end in range(len(item.path))}
    complaints = [item for item in dict.fromkeys(complaints) if item.path not in parts]

    def place(item: Complaint) -> tuple[bool, int, int]:
        position = source.position(item.path)
        return (item.missing, position.line, position.column)

    first, *others = sorted(complaints, key=place)
    more = f" (and {len(others)} more)" if others else ""
    position = source.position(first.path)
    return failure(source.file, position, first.message + more, hint=first.hint)
