"""The reference of service files. What is supported is what admission lets through."""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import yaml
from pydantic_core import PydanticUndefined

from policy.admission import refusals
from policy.properties import Treatment, treatment_of, without_effect
from spec.reader import read_configuration
from spec.section import Section
from spec.service import ServiceConfiguration
from tests.docs.properties import PARTS, Part
from tests.docs.table import MADE, code, table

NOT_YET = "*not yet*"
NO_EFFECT = "*no effect*"
IN_PLACE, NEW_REPLICAS = "in place", "by new replicas"
_APPLIED = {Treatment.IN_PLACE: IN_PLACE, Treatment.NEW_REPLICA: NEW_REPLICAS}

INTRODUCTION = f"""# Service files

{MADE}

The properties of a `type: service` file, with ways to write each. Unknown ones are errors;
`perdure validate` says where, and counts items from 1: `probes[1]` is the first probe. What stands
under *Written as* is read by the same code as your file.

* {NOT_YET}: read and checked, and then refused by the plan, by name.
* {NO_EFFECT}: read, and ignored with a warning.

*Applied* says how a change reaches a service that runs: one *{IN_PLACE}* leaves its replicas alone,
one *{NEW_REPLICAS}* [replaces them by turns](../concepts/updates.md), and others change nothing.

Durations are seconds (`90`) or a number with a unit (`90s`, `5m`, `1h`, `2d`, `1w`). Sizes are a
number with `MB`, `GB` or `TB`. Ranges are `N`, `N..`, `..M` or `N..M`, or `{{min: N, max: M}}`.
Values of `env` and `registry_auth` may hold `${{{{ env.NAME }}}}`, which the command line fills in,
and `${{{{ secrets.NAME }}}}`, which the server fills in; `$$` is a `$`."""


def page() -> str:
    """The whole page."""
    tables = (f"## {part.title}\n\n{table(_header(part), _rows(part))}" for part in PARTS)
    return "\n\n".join((INTRODUCTION, *tables)) + "\n"


def refused(part: Part, name: str, written: str) -> tuple[str, ...]:
    """What the plan refuses of a file with this property so written: subjects."""
    return tuple(refusal.subject for refusal in refusals(_service(part, name, written)))


def ignored(part: Part, name: str, written: str) -> bool:
    """Whether the property has no effect, so written."""
    return name in without_effect(_service(part, name, written))


def _header(part: Part) -> tuple[str, ...]:
    applied = () if part.at else ("Applied",)
    return ("Property", "Written as", "Default", *applied, "Meaning")


def _rows(part: Part) -> Iterator[tuple[str, ...]]:
    for name, (meaning, *ways) in part.properties.items():
        shown = ", ".join(_way(part, name, written) for written in ways)
        applied = () if part.at else (_APPLIED.get(treatment_of(name), "-"),)
        default = part.defaults.get(name) or _default(part.model, name)
        yield (code(name), shown, default, *applied, meaning)


def _way(part: Part, name: str, written: str) -> str:
    """A way to write it, and what becomes of it. A part's own refusal is said of its whole."""
    mark = ""
    if not part.at:
        if refused(part, name, written):
            mark = f" {NOT_YET}"
        elif ignored(part, name, written):
            mark = f" {NO_EFFECT}"
    return f"`{written}`{mark}"


def _service(part: Part, name: str, written: str) -> ServiceConfiguration:
    inner: Any = {**part.needs, name: yaml.safe_load(written)}
    if name == "scaling":
        inner["replicas"] = "1..4"
    if name == "replicas" and ".." in written:
        inner["scaling"] = {"metric": "rps", "target": 10}
    for key in reversed(part.at):
        inner = [inner] if key == 0 else {key: inner}
    given = {"type": "service", "port": 8000, **part.beside, **inner}
    if "groups" not in given and not isinstance(given.get("replicas"), list):
        given.setdefault("commands", ["python app.py"])
    return read_configuration(json.dumps(given), f"{part.title}: {name}")


def _default(model: type[Section], name: str) -> str:
    field = model.model_fields[name]
    if field.default is PydanticUndefined:
        return "required"
    return code(_shown(field.default))


def _shown(default: object) -> str:
    if default is None or default in ((), {}):
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, StrEnum):
        return default.value
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    if isinstance(default, Section) and type(default).__str__ is Section.__str__:
        return json.dumps(default.model_dump(mode="json"))
    return str(default)
