"""The part of a fake server's API that is about its keys, its people and what is theirs."""

import hashlib
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from perdure import __version__
from spec.audit import AuditEvent
from spec.people import GlobalRole, NewToken, Secret, Token, User
from spec.run_spec import CodeArchive
from spec.server import KeyRotation, MasterKeyUse, Server
from tests.cli.fake_server import LONG_AGO, FakeServer


def keys(server: FakeServer) -> APIRouter:
    router = APIRouter()

    @router.get("/server/keys")
    def keys() -> list[MasterKeyUse]:
        return [
            MasterKeyUse(
                id=each,
                current=each == server.keys[0],
                values=3,
                workflows=None if each == server.keys[0] else 2,
            )
            for each in server.keys
        ]

    @router.post("/server/keys")
    def rotate() -> KeyRotation:
        server.keys.insert(0, f"{len(server.keys):012}")
        return KeyRotation(key=server.keys[0], values=3)

    @router.delete("/server/keys/{key}")
    def forget(key: str) -> Response:
        server.keys.remove(key)
        return Response(status_code=204)

    return router


def people(server: FakeServer) -> APIRouter:
    router = APIRouter()

    @router.get("/server")
    def about() -> Server:
        limit = server.code_limit_mb
        return Server(version=__version__, id="fake", url=server.url, code_limit_mb=limit)

    @router.get("/me")
    def me() -> dict[str, Any]:
        return {"user": "ann", "role": server.role, "projects": ["main"]}

    @router.get("/projects")
    def projects() -> list[dict[str, Any]]:
        return [{"name": "main", "role": "admin", "created_at": LONG_AGO}]

    @router.put("/users/{name}")
    async def change_user(name: str, request: Request) -> User:
        server.roles[name] = (await request.json())["role"]
        return User(name=name, role=GlobalRole(server.roles[name]), created_at=LONG_AGO)

    @router.post("/users/{name}/tokens", status_code=201)
    async def create_token(name: str, request: Request) -> NewToken:
        asked = await request.json()
        server.tokens.append((name, asked))
        scopes = asked.get("scopes", ["api"])
        return NewToken(id="1", name="t", created_at=LONG_AGO, scopes=scopes, value="the-value")

    @router.get("/users/{name}/tokens")
    def list_tokens(name: str) -> list[Token]:
        return [Token(id="1", name="t", created_at=LONG_AGO, scopes=("services:main/llm",))]

    @router.get("/audit")
    @router.get("/projects/main/audit")
    def audit(request: Request, limit: int = 100, before: int = 10**6) -> list[AuditEvent]:
        server.audits.append((request.url.path, dict(request.query_params)))
        return [event for event in server.events if event.id < before][:limit]

    return router


def belongings(server: FakeServer) -> APIRouter:
    router = APIRouter(prefix="/projects/main")

    @router.put("/secrets/{name}")
    async def put_secret(name: str, request: Request) -> Secret:
        server.secrets[name] = (await request.json())["value"]
        return Secret(name=name, updated_at=LONG_AGO)

    @router.get("/secrets")
    def list_secrets() -> list[Secret]:
        return [Secret(name=name, updated_at=LONG_AGO) for name in server.secrets]

    @router.delete("/secrets/{name}")
    def delete_secret(name: str) -> Response:
        if server.secrets.pop(name, None) is None:
            raise HTTPException(404, f"There is no secret `{name}`.")
        return Response(status_code=204)

    @router.head("/code/{sha256}")
    def has_code(sha256: str) -> Response:
        return Response(status_code=204 if sha256 in server.code else 404)

    @router.put("/code/{sha256}", status_code=201, response_model=CodeArchive)
    async def put_code(sha256: str, request: Request) -> Response | CodeArchive:
        body = await request.body()
        if server.lost_uploads:
            server.lost_uploads -= 1
            return Response(status_code=502)
        assert hashlib.sha256(body).hexdigest() == sha256
        server.code[sha256] = body
        return CodeArchive(sha256=sha256, size=len(body))

    return router
