"""The JSON schema of a configuration, for editors: long forms, shorthands, and nothing else."""

from collections.abc import Iterator
from typing import Any

from spec.section import Section
from spec.service import ServiceConfiguration

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SWITCH: dict[str, Any] = {"enum": [True, False, "true", "false", "yes", "no", "on", "off"]}
_DIGITS = {"type": "string", "pattern": r"^\d+(\.\d+)?$"}
_GROUPS: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {"$ref": "#/$defs/ReplicaGroup"},
}


def json_schema() -> dict[str, Any]:
    """A schema (draft 2020-12) that accepts what the reader accepts, and refuses unknown keys.

    Rules between properties are the reader's alone.
    """
    schema = ServiceConfiguration.model_json_schema()
    models = {model.__name__: model for model in _sections(Section)}
    definitions: dict[str, Any] = schema.pop("$defs")
    loosened = {name: _loosened(definition) for name, definition in definitions.items()}
    schema = _closed(_loosened(schema))
    _accept_file_forms(schema, loosened)
    return {
        "$schema": _DIALECT,
        **schema,
        "title": "Service",
        "description": "A service of perdure: a program that answers HTTP on a port.",
        "required": ["type", "port"],
        "$defs": {
            name: _with_shorthands(definition, models.get(name))
            for name, definition in loosened.items()
        },
    }


def _sections(base: type[Section]) -> Iterator[type[Section]]:
    for section in base.__subclasses__():
        yield section
        yield from _sections(section)


def _closed(definition: dict[str, Any]) -> dict[str, Any]:
    return {**definition, "additionalProperties": False}


def _with_shorthands(definition: dict[str, Any], model: type[Section] | None) -> dict[str, Any]:
    if model is None:
        return definition
    long_form = _closed(definition)
    return {"anyOf": [long_form, *model.shorthands]} if model.shorthands else long_form


def _loosened(node: Any) -> Any:
    """Text takes numbers, numbers take digits in quotes, switches take YAML's words.

    `oneOf` becomes `anyOf`: a shorthand may fit several of the models of a union.
    """
    if isinstance(node, list):
        return [_loosened(item) for item in node]
    if not isinstance(node, dict):
        return node
    return _loosened_type(
        {
            "anyOf" if key == "oneOf" else key: item if key == "default" else _loosened(item)
            for key, item in node.items()
            if key != "discriminator"
        }
    )


def _loosened_type(node: dict[str, Any]) -> dict[str, Any]:
    kind = node.get("type")
    if "const" in node or "enum" in node or not isinstance(kind, str):
        return node
    if kind == "boolean":
        return {key: item for key, item in node.items() if key != "type"} | _SWITCH
    if kind == "string" and "pattern" not in node:
        return node | {"type": ["string", "number"]}
    return {"anyOf": [node, _DIGITS]} if kind in {"integer", "number"} else node


def _accept_file_forms(schema: dict[str, Any], definitions: dict[str, Any]) -> None:
    """What only files have: groups below `replicas`, `count` in a group, keys without a value."""
    properties = schema["properties"]
    properties["replicas"] = {"anyOf": [properties["replicas"], _GROUPS]}
    group = definitions["ReplicaGroup"]
    group["properties"]["count"] = group["properties"]["replicas"]
    group["required"] = [name for name in group.get("required", []) if name != "name"]
    for name, definition in properties.items():
        if name not in {"type", "port"}:
            properties[name] = {"anyOf": [definition, {"type": "null"}]}
