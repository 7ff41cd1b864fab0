"""The fake that the command line is tested against answers as the API does."""

import re
from hashlib import sha256
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from api.app import PREFIX, public_app
from api.services import Services
from spec.status import RunPhase
from tests.api.conftest import clock, first_start, runs, services, settings, store
from tests.cli.fake_api import app_of
from tests.cli.fake_server import TOKEN, FakeServer, decision, log_line, run

__all__ = ["clock", "first_start", "runs", "services", "settings", "store"]

CODE = b"an archive"
PROJECT = "/projects/main"
IN_CODE = f"{PROJECT}/code/{sha256(CODE).hexdigest()}"

ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/server", {}),
    ("GET", "/server/keys", {}),
    ("POST", "/server/keys", {}),
    ("DELETE", f"/server/keys/{'f' * 12}", {}),
    ("GET", "/me", {}),
    ("GET", "/projects", {}),
    ("PUT", "/users/bob", {"json": {"role": "admin"}}),
    ("POST", "/users/bob/tokens", {"json": {}}),
    ("GET", "/users/bob/tokens", {}),
    ("GET", "/audit", {}),
    ("GET", f"{PROJECT}/audit", {}),
    ("POST", f"{PROJECT}/plans", {"json": {}}),
    ("POST", f"{PROJECT}/plans/replay", {"json": {}}),
    ("POST", f"{PROJECT}/offers", {"json": {}}),
    ("POST", f"{PROJECT}/runs", {"json": {}, "headers": {"Idempotency-Key": "k"}}),
    ("GET", f"{PROJECT}/runs", {}),
    ("GET", f"{PROJECT}/runs/llm", {}),
    ("POST", f"{PROJECT}/runs/llm/stop", {"json": {"abort": False}}),
    ("POST", f"{PROJECT}/runs/llm/scale", {"json": {"replicas": 3, "seconds": 60}}),
    ("GET", f"{PROJECT}/runs/llm/rollback", {}),
    (
        "POST",
        f"{PROJECT}/runs/llm/rollback",
        {"json": {"to": 2}, "headers": {"Idempotency-Key": "k"}},
    ),
    ("GET", f"{PROJECT}/runs/llm/events", {}),
    ("GET", f"{PROJECT}/runs/llm/logs", {}),
    ("GET", f"{PROJECT}/runs/llm/metrics", {}),
    ("GET", f"{PROJECT}/runs/llm/decisions", {}),
    ("GET", f"{PROJECT}/events", {}),
    ("PUT", f"{PROJECT}/secrets/KEY", {"json": {"value": "v"}}),
    ("GET", f"{PROJECT}/secrets", {}),
    ("DELETE", f"{PROJECT}/secrets/KEY", {}),
    ("PUT", IN_CODE, {"content": CODE}),
    ("HEAD", IN_CODE, {}),
]
"""Every route of the fake, so that it succeeds."""


@pytest.fixture
def server() -> None:
    """SQLite: what the API answers is the same by both."""


class Document:
    """What an app says that it answers: its OpenAPI."""

    def __init__(self, app: FastAPI) -> None:
        self._whole = app.openapi()
        self._paths: dict[str, dict[str, Any]] = self._whole["paths"]

    def routes(self) -> set[tuple[str, str]]:
        """All methods and paths, names for variable parts left out."""
        return {
            (m.upper(), _unnamed(path)) for path, methods in self._paths.items() for m in methods
        }

    def route(self, method: str, path: str) -> tuple[str, str]:
        """Which of them answers there."""
        [found] = [
            route
            for route in self.routes()
            if route[0] == method and re.fullmatch(route[1].replace("{}", "[^/]+"), path)
        ]
        return found

    def success(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        """Status of the good answer, and the schema of each type that it may have."""
        route = self.route(method, path)
        [methods] = [each for path, each in self._paths.items() if _unnamed(path) == route[1]]
        responses = methods[method.lower()]["responses"].items()
        [(status, answer)] = [each for each in responses if each[0].startswith("2")]
        content = answer.get("content", {}).items()
        inside = {"components": self._whole["components"]}
        return int(status), {kind: {**each["schema"], **inside} for kind, each in content}


def _unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


@pytest.fixture
def api(services: Services) -> Document:
    return Document(public_app(services))


@pytest.fixture
def fake() -> FakeServer:
    done = run(RunPhase.DONE)
    return FakeServer(
        runs=[done], states=[done], logs=[log_line(1, "hello")], decisions=[decision()]
    )


async def test_each_answer_of_the_fake_is_one_of_the_api(api: Document, fake: FakeServer) -> None:
    app = app_of(fake)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=f"http://fake{PREFIX}",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        for method, path, sent in ASKED:
            answer = await client.request(method, path, **sent)
            status, schemas = api.success(method, PREFIX + path)
            assert answer.status_code == status, f"{method} {path}"
            if not schemas:
                assert answer.content == b""
                continue
            kind = answer.headers["content-type"].partition(";")[0]
            assert kind in schemas
            if kind == "application/json":
                Draft202012Validator(schemas[kind]).validate(answer.json())
    document = Document(app)
    asked = {document.route(method, PREFIX + path) for method, path, _ in ASKED}
    assert asked == document.routes()
