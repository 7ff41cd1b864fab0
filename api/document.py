"""The OpenAPI document: what each route takes, and everything that it may answer."""

import re
from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI
from pydantic import BaseModel

from perdure.errors import PerdureError
from spec.public import Model

SCHEMAS = "#/components/schemas/"
CHALLENGE = {"WWW-Authenticate": {"schema": {"const": "Bearer"}, "required": True}}
RETRY = {"Retry-After": {"schema": {"type": "integer", "minimum": 0}, "required": True}}
HEADERS: Mapping[int, Any] = {401: CHALLENGE, 503: RETRY}


class ErrorDetail(Model):
    """What happened: a `code` that never changes, a `message` for people, a `hint` what to do."""

    code: str
    message: str
    hint: str


class ErrorAnswer(Model):
    """The answer to every request that failed."""

    error: ErrorDetail


Responses = dict[int | str, dict[str, Any]]


def told(*errors: type[PerdureError]) -> Responses:
    """For a route's `responses`: it may fail in these ways. The first of a status describes it."""
    responses: Responses = {}
    for error in errors:
        status = error.http_status
        first = (error.__doc__ or "").partition("\n")[0]
        responses.setdefault(status, {"model": ErrorAnswer, "description": first})
        if status in HEADERS:
            responses[status]["headers"] = HEADERS[status]
    return responses


def takes(kind: type[BaseModel], example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """For a route's `openapi_extra`: the JSON that `api.body.body` of this kind reads."""
    content: dict[str, Any] = {
        "schema": _closed(kind.model_json_schema(ref_template=SCHEMAS + "{model}"))
    }
    if example is not None:
        content["example"] = example
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def streams(description: str, *events: str) -> Responses:
    """For `responses` of a route that sends these events; the data of each is JSON."""
    data = {"type": "string", "contentMediaType": "application/json"}
    event = {
        "type": "object",
        "properties": {"event": {"enum": events}, "data": data, "id": {"type": "string"}},
        "required": ["event", "data"],
        "additionalProperties": False,
    }
    return {200: {"description": description, "content": {"text/event-stream": {"schema": event}}}}


def _closed(node: Any) -> Any:
    """No object takes a key that it does not name: `api.body` refuses them."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(item) for key, item in node.items()}
    if "properties" in closed and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


class DocumentedApp(FastAPI):
    """An app whose document is whole: FastAPI does not see bodies that routes read themselves."""

    def methods(self, path: str) -> tuple[str, ...]:
        """What may be done at this path, by the document."""
        found = {
            method.upper()
            for template, operations in self.openapi()["paths"].items()
            if re.fullmatch(re.sub(r"\{[^/]+\}", "[^/]+", template), path)
            for method in operations
        }
        return tuple(sorted(found))

    def openapi(self) -> dict[str, Any]:
        """As FastAPI has it, with our bodies, our errors and the token."""
        if self.openapi_schema is None:
            document = super().openapi()
            schemas = document["components"]["schemas"]
            for path in document["paths"].values():
                for operation in path.values():
                    _lift_definitions(operation, schemas)
                    _answer_in_our_words(operation)
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
            bearer = {"type": "http", "scheme": "bearer"}
            document["components"]["securitySchemes"] = {"token": bearer}
            document["security"] = [{"token": []}]
        return cast("dict[str, Any]", self.openapi_schema)


def _lift_definitions(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Models within a body go where all others are. They are closed, so their names differ."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        inner = content["schema"].pop("$defs", {})
        schemas |= {f"{name}-Input": _renamed(definition) for name, definition in inner.items()}
        content["schema"] = _renamed(content["schema"])


def _renamed(node: Any) -> Any:
    if isinstance(node, list):
        return [_renamed(item) for item in node]
    if not isinstance(node, dict):
        is_reference = isinstance(node, str) and node.startswith(SCHEMAS)
        return f"{node}-Input" if is_reference else node
    return {key: _renamed(item) for key, item in node.items()}


def _answer_in_our_words(operation: dict[str, Any]) -> None:
    """Where FastAPI announces its own 422, ours is meant."""
    if "422" in operation["responses"]:
        ours = {"application/json": {"schema": {"$ref": f"{SCHEMAS}ErrorAnswer"}}}
        operation["responses"]["422"]["content"] = ours
