"""From pydantic's errors to sentences for people: what is wrong, what is allowed, what was meant.

No sentence here quotes a value of `env`, of `registry_auth` or of anything else that may hold a
secret: only words that were compared with a list of allowed ones are repeated.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from spec.position import Path
from spec.section import Section
from spec.source import Source

REMOVED = {
    "pool_name": "Pools became fleets: use `fleets`.",
    "instance_name": "Use `instances`.",
    "termination_policy": "Use `idle_duration`.",
    "termination_idle_time": "Use `idle_duration`.",
    "retry_policy": "Use `retry`.",
}
FOREIGN = {
    "ports": "A service has one `port`.",
    "nodes": "It belongs to tasks; a service has `replicas`.",
    "ide": "It belongs to dev environments.",
    "router": "It belongs to a group of `replicas`.",
}

MISSING = {
    "type": "Add `type: service`.",
    "port": "Add the port that the service listens on, as in `port: 8000`.",
    "model.format": "Add `format: openai`, the API that the application speaks.",
    "scaling.metric": "Add `metric: rps` or `metric: in_flight`.",
    "scaling.target": "Add how much one replica takes, as in `target: 10`.",
}

_WANTED = {
    "bool": "expects `true` or `false`",
    "int": "expects a whole number",
    "float": "expects a number",
    "string": "expects text",
    "list": "expects a list",
    "tuple": "expects a list",
    "dict": "expects a mapping",
    "model": "expects a mapping",
}
_LIMITS = {
    "greater_than": "must be more than {gt:.15g}",
    "greater_than_equal": "must be at least {ge:.15g}",
    "less_than": "must be less than {lt:.15g}",
    "less_than_equal": "must be at most {le:.15g}",
    "too_short": "needs at least {min_length} of them",
    "too_long": "takes at most {max_length} of them",
    "string_too_short": "must not be empty",
    "string_too_long": "takes at most {max_length} characters",
    "string_pattern_mismatch": "does not have the form `{pattern}`",
    "finite_number": "expects a finite number",
}
_FORMS = {r"^/\S*$": "must be a path: it begins with `/`, and has no spaces"}
"""What a pattern asks for, where its form says too little."""


@dataclass(frozen=True)
class Complaint:
    """One error: where, what, and what to do. `missing` ones have no place of their own."""

    path: Path
    message: str
    hint: str = ""
    missing: bool = False


def complaint(
    error: ErrorDetails, model: type[BaseModel], source: Source | None = None
) -> Complaint:
    """Put one error of a validation by `model` into words; `source` is the file, if any."""
    loc = tuple(error["loc"])
    context = error.get("ctx", {})
    if error["type"] == "problem":
        path = _in_file((*loc, *context["at"]), source)
        return Complaint(path, _about(path, context["message"]), context["hint"])
    if error["type"] == "missing":
        path = (*_in_file(loc[:-1], source), loc[-1])
        return _missing(path)
    path = _in_file(loc, source)
    if error["type"] == "extra_forbidden":
        return _unknown_key(path, _fields_at(model, loc[:-1]))
    if error["type"] in {"enum", "literal_error", "union_tag_invalid", "union_tag_not_found"}:
        return _not_allowed(path, error, context)
    if error["type"] in _LIMITS:
        wanted = _FORMS.get(context.get("pattern", "")) or _LIMITS[error["type"]].format(**context)
        return Complaint(path, f"{named(path)} {wanted}.")
    kind = error["type"].split("_", maxsplit=1)[0]
    hint = ""
    if kind == "string" and isinstance(error["input"], bool):
        hint = "Unquoted `yes`, `on`, `true` and the like are booleans: put it in quotes."
    return Complaint(path, f"{named(path)} {_WANTED.get(kind, 'has a wrong value')}.", hint)


def _missing(path: Path) -> Complaint:
    hint = MISSING.get(".".join(map(str, path)), "")
    return Complaint(path, f"{named(path)} is missing.", hint, missing=True)


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """`Did you mean …?` for a likely typo, else nothing."""
    close = difflib.get_close_matches(word.lower(), list(allowed), n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else ""


def _in_file(path: Path, source: Source | None) -> Path:
    """The path as it is written: groups may stand under `replicas`."""
    if source is None:
        return path
    if path[:1] == ("groups",) and "groups" not in source.data:
        path = ("replicas", *path[1:])
    return source.written(path)


def _unknown_key(path: Path, allowed: list[str]) -> Complaint:
    key = str(path[-1])
    where = f" of {named(path[:-1])}" if len(path) > 1 else ""
    if len(path) == 1 and key in REMOVED:
        return Complaint(path, f"`{key}` was removed.", REMOVED[key])
    if len(path) == 1 and key in FOREIGN:
        return Complaint(path, f"`{key}` is not a property of a service.", FOREIGN[key])
    return Complaint(
        path,
        f"`{key}` is not a known property{where}.",
        suggestion(key, allowed) or (f"Known are {_listed(allowed)}." if len(path) > 1 else ""),
    )


def _not_allowed(path: Path, error: ErrorDetails, context: dict[str, Any]) -> Complaint:
    discriminator = context.get("discriminator")
    if discriminator:
        path += (str(discriminator).strip("'"),)
    if error["type"] == "union_tag_not_found":
        return _missing(path)
    expected = str(context.get("expected") or context.get("expected_tags"))
    allowed = re.findall(r"'([^']*)'", expected)
    given = context.get("tag") if discriminator else error["input"]
    word = str(given) if isinstance(given, str | int | float) else ""
    shown = f"`{word}` is not allowed" if word else "has a wrong value"
    return Complaint(
        path,
        f"{named(path)}: {shown}; allowed are {_listed(allowed)}.",
        suggestion(word, allowed),
    )


def _about(path: Path, message: str) -> str:
    """The message with its property in front, unless it begins with that name itself."""
    name = named(path)
    return message if not path or message.startswith(name) else f"{name}: {message}"


def named(path: Path) -> str:
    """How messages call a property: `resources.gpu`, items by their place from 1: `probes[2]`."""
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return f"`{text.removeprefix('.')}`" if text else "The file"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """The properties that are known at `path`, of all alternatives where there are several."""
    models = [model]
    for step in path:
        following: list[type[BaseModel]] = []
        for parent in models:
            field = parent.model_fields.get(str(step))
            if field is not None:
                following += _models_in(field.annotation, *field.metadata)
        models = following or models
    names = [name for found in models for name in found.model_fields]
    return list(dict.fromkeys(names))


def _models_in(*annotations: Any) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, Section):
            found.append(annotation)
        found += _models_in(*get_args(annotation))
    return found
