"""The HTTP API of a fake server, over real sockets."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from spec.backtest import Backtest
from spec.offer import OfferList
from spec.plan import Plan, PlanAction
from spec.run import Accepted
from spec.run_metrics import RunMetrics
from spec.scale import Override
from spec.status import RunPhase
from spec.submission import Applied, DecisionView, RollbackPlan, RunView
from tests.cli.fake_people import belongings, keys, people
from tests.cli.fake_server import LONG_AGO, TOKEN, URL, FakeServer, replica, run


def app_of(server: FakeServer) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def authenticate(request: Request, proceed: Any) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return server.envelope(401, "unauthenticated", "The token is not valid.", "Get one.")
        answer: Response = await proceed(request)
        return answer

    @app.exception_handler(HTTPException)
    async def refuse(_: Request, error: HTTPException) -> Response:
        return server.envelope(error.status_code, "not_found", str(error.detail), "Look again.")

    for router in (
        keys(server),
        people(server),
        _deployments(server),
        _runs(server),
        _numbers(server),
        _changes(server),
        _decisions(server),
        belongings(server),
    ):
        app.include_router(router, prefix="/api/v1")
    return app


def _deployments(server: FakeServer) -> APIRouter:
    router = APIRouter(prefix="/projects/main")

    @router.post("/plans")
    async def make_plan(request: Request) -> Plan:
        server.planned.append(await request.json())
        return server.plan

    @router.post("/plans/replay")
    async def replay(request: Request) -> Backtest:
        server.replayed.append(await request.json())
        return server.backtest

    @router.post("/offers")
    async def find_offers(request: Request) -> OfferList:
        server.offers_asked.append(await request.json())
        return server.offers

    @router.post("/runs")
    async def apply(request: Request) -> Response:
        server.applied.append((request.headers["idempotency-key"], await request.json()))
        if server.lost_answers:
            server.lost_answers -= 1
            return server.envelope(503, "unavailable", "Temporal does not answer.")
        return _accepted(server, server.plan)

    return router


def _runs(server: FakeServer) -> APIRouter:
    router = APIRouter(prefix="/projects/main/runs")

    @router.get("")
    def list_runs() -> list[RunView]:
        return server.runs

    @router.get("/{name}")
    def show_run(name: str, at: str = "") -> RunView:
        _known(server, name)
        if at:
            return _past(server, name, at)
        for each in server.runs:
            if each.name == name:
                return each
        return run(RunPhase.RUNNING, replica(), name=name)

    @router.post("/{name}/stop")
    async def stop(name: str, request: Request) -> RunView:
        _known(server, name)
        server.stopped.append((name, (await request.json())["abort"]))
        server.states = [run(RunPhase.TERMINATED, status_message="stopped", name=name)]
        server.held.set()
        return run(RunPhase.TERMINATING, name=name)

    @router.get("/{name}/events")
    def events(name: str) -> StreamingResponse:
        _known(server, name)
        return StreamingResponse(_states(server), media_type="text/event-stream")

    @router.get("/{name}/logs")
    def logs(name: str, request: Request, after: int = 0, follow: bool = False) -> Response:
        _known(server, name)
        server.log_queries.append(dict(request.query_params))
        lines = [line for line in server.logs if line["id"] > after]
        if not follow:
            return JSONResponse(lines)
        return StreamingResponse(_lines(server, lines), media_type="text/event-stream")

    return router


def _numbers(server: FakeServer) -> APIRouter:
    router = APIRouter(prefix="/projects/main/runs")

    @router.get("/{name}/metrics")
    def metrics(name: str) -> RunMetrics:
        _known(server, name)
        return server.metrics.pop(0) if len(server.metrics) > 1 else server.metrics[0]

    return router


def _changes(server: FakeServer) -> APIRouter:
    router = APIRouter(prefix="/projects/main/runs")

    @router.post("/{name}/scale")
    async def scale(name: str, request: Request) -> Response:
        _known(server, name)
        asked = await request.json()
        server.scaled.append((name, asked))
        if server.refusal is not None:
            return server.envelope(*server.refusal)
        until = LONG_AGO + timedelta(seconds=asked["seconds"]) if "seconds" in asked else None
        override = Override(replicas=asked["replicas"], until=until) if asked else None
        scaled = run(override=override, desired=asked.get("replicas", 2))
        return JSONResponse(scaled.model_dump(mode="json"))

    @router.get("/{name}/rollback")
    def plan_rollback(name: str, request: Request) -> Response:
        _known(server, name)
        server.rollbacks_asked.append(dict(request.query_params))
        if server.refusal is not None:
            return server.envelope(*server.refusal)
        found = RollbackPlan(revision=2, at=LONG_AGO, user="ann", plan=server.plan)
        return JSONResponse(found.model_dump(mode="json"))

    @router.post("/{name}/rollback")
    async def roll_back(name: str, request: Request) -> Response:
        server.rolled_back.append((request.headers["idempotency-key"], await request.json()))
        if server.lost_answers:
            server.lost_answers -= 1
            return server.envelope(503, "unavailable", "Temporal does not answer.")
        return _accepted(server, server.plan)

    return router


def _decisions(server: FakeServer) -> APIRouter:
    """The newest first, as the server has them."""
    router = APIRouter(prefix="/projects/main")

    def chosen(request: Request, limit: int, before: int, after: int) -> list[DecisionView]:
        where = request.url.path.partition("/projects/main")[2]
        server.decision_queries.append((where, dict(request.query_params)))
        return [each for each in server.decisions if after < each.id < before][:limit]

    @router.get("/events")
    def events(
        request: Request, limit: int = 100, before: int = 10**6, after: int = 0
    ) -> list[DecisionView]:
        return chosen(request, limit, before, after)

    @router.get("/runs/{name}/decisions")
    def decisions(
        name: str, request: Request, limit: int = 100, before: int = 10**6, after: int = 0
    ) -> list[DecisionView]:
        _known(server, name)
        return chosen(request, limit, before, after)

    return router


def _accepted(server: FakeServer, plan: Plan) -> Response:
    """The first revision of a new run, else that of the server."""
    revision = 1 if plan.action is PlanAction.CREATE else server.revision
    answer = Applied(
        project="main",
        name=plan.name,
        action=plan.action,
        accepted=Accepted(run="llm", incarnation="", revision=revision, replicas=1),
        url=URL,
        model="llama",
        model_url="http://localhost:3000/proxy/models/main/",
    )
    return JSONResponse(answer.model_dump(mode="json"))


def _past(server: FakeServer, name: str, at: str) -> RunView:
    server.times_asked.append(at)
    if server.past is None:
        raise HTTPException(404, f"Nothing is known of the run `{name}` at {at}.")
    return server.past


def _known(server: FakeServer, name: str) -> None:
    if name not in server.known_runs:
        raise HTTPException(404, f"There is no run `{name}` in the project `main`.")


async def _states(server: FakeServer) -> AsyncIterator[str]:
    """Each state once, over all connections; the last one again and again."""
    while True:
        state = server.states.pop(0) if len(server.states) > 1 else server.states[0]
        yield f"event: status\ndata: {state.model_dump_json()}\n\n"
        if state.status.is_final:
            return
        await asyncio.sleep(0.02)


async def _lines(server: FakeServer, lines: list[dict[str, Any]]) -> AsyncIterator[str]:
    """The lines, cut off after `cut_after` of them once; the end waits for `held`."""
    for count, line in enumerate(lines):
        if count == server.cut_after:
            server.cut_after = None
            return
        text = JSONResponse(line).body
        yield f"id: {line['id']}\nevent: log\ndata: {bytes(text).decode()}\n\n"
    while not server.held.is_set():
        await asyncio.sleep(0.02)
    yield "event: end\ndata: {}\n\n"


@contextmanager
def serving(server: FakeServer, port: int = 0) -> Iterator[FakeServer]:
    """Serve on a loopback port until the block ends."""
    listener = socket.create_server(("127.0.0.1", port))
    server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(app_of(server), log_level="critical", timeout_graceful_shutdown=1)
    process = uvicorn.Server(config)
    thread = threading.Thread(target=process.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield server
    finally:
        server.held.set()
        process.should_exit = True
        thread.join()
        listener.close()
