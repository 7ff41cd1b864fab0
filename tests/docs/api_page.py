"""The reference of the HTTP API, from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import Mock

from api.app import PREFIX, public_app
from tests.docs.table import MADE, code, table

INTRODUCTION = f"""# HTTP API

{MADE}

Everything that the command line does, it does by these calls, below the front door's address
(`http://localhost:3000`). Each wants `Authorization: Bearer <token>`; without a valid one every
path answers 401. Bodies are JSON. Errors have one form, see [errors](errors.md).

`GET {PREFIX}/openapi.json` is the same as an OpenAPI document, with the types of all fields."""

Operation = Mapping[str, Any]


def page() -> str:
    """The whole page."""
    document = public_app(Mock()).openapi()
    header = ("Call", "What it does", "Query and headers", "Answer")
    return f"{INTRODUCTION}\n\n{table(header, _rows(document['paths']))}\n"


def _rows(paths: Mapping[str, Mapping[str, Operation]]) -> Iterator[tuple[str, ...]]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            call = code(f"{method.upper()} {path}")
            yield (call, operation.get("description", ""), _parameters(operation), _answer(operation))


def _parameters(operation: Operation) -> str:
    named = [each for each in operation.get("parameters", ()) if each["in"] != "path"]
    return ", ".join(code(each["name"]) for each in named) or "–"


def _answer(operation: Operation) -> str:
    """The status of success, and the type of its body where that has a name."""
    status, answer = next(
        (status, answer) for status, answer in operation["responses"].items() if status[0] == "2"
    )
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    listed = "$ref" in schema.get("items", {})
    reference = schema.get("items", schema).get("$ref", "")
    name = reference.rpartition("/")[2]
    kind = f"{'list of ' if listed else ''}{code(name)}" if name else ""
    return f"{status} {kind}".strip()
