"""What OpenAI's clients ask about models. Pure."""

import json
from collections.abc import Iterable
from urllib.parse import unquote

from proxy.replies import Reply, unknown_model
from spec.route import ModelFormat, RouteTable

Entry = dict[str, str | int]


def _entries(routes: Iterable[RouteTable]) -> dict[str, Entry]:
    """By name, as `GET /v1/models` lists them; of several with one name, the oldest counts."""
    entries: dict[str, Entry] = {}
    for route in sorted(routes, key=lambda each: each.started_at):
        model = route.model
        if model and model.format is ModelFormat.OPENAI:
            created = max(0, int(route.started_at.timestamp()))
            entry: Entry = {
                "id": model.name,
                "object": "model",
                "created": created,
                "owned_by": route.project,
            }
            entries.setdefault(model.name, entry)
    return entries


def model_list(routes: Iterable[RouteTable]) -> Reply:
    """All models of these services of one project."""
    data = list(_entries(routes).values())
    return Reply(200, json.dumps({"object": "list", "data": data}).encode())


def model_named(name: bytes, routes: Iterable[RouteTable]) -> Reply:
    """One model; its name as it stands in the path."""
    plain = unquote(name.decode("latin-1"))
    entry = _entries(routes).get(plain)
    return Reply(200, json.dumps(entry).encode()) if entry else unknown_model(plain)
