"""The processes of an installation, and who has the port of its front door."""

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx

from perdure import lock
from perdure.data_dir import DataDir
from perdure.errors import ApiUnreachable
from perdure.http_client import http_client
from perdure.settings import Settings
from spec.finding import Finding, fine, problem, warning

NAMES = ("holder", "temporal", "worker", "api", "tunnels", "proxy")
"""The parts of `perdure server`, each with a pid file."""
PATIENCE = 4.0  # seconds for one answer


@dataclass(frozen=True)
class Process:
    """One with a health socket: what it answers to `/readyz`. `answers` is False without one."""

    answers: bool
    ready: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)
    away: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Processes:
    """`held`: which pid files are; a deployment without `perdure server` has none."""

    supervisor: bool
    held: Mapping[str, bool]
    health: Mapping[str, Process]


async def look_at_processes(settings: Settings) -> Processes:
    """Ask the locks and the sockets."""
    data = settings.data
    return Processes(
        supervisor=lock.is_file_held(data.lock),
        held={name: lock.is_file_held(data.run / f"{name}.pid") for name in NAMES},
        health={name: await _health(path) for name, path in sockets(data).items()},
    )


def sockets(data: DataDir) -> dict[str, str]:
    """Where each process with a health socket has it."""
    found = {
        "server": data.server_socket,
        "worker": data.worker_socket,
        "api": data.api_health_socket,
        "tunnels": data.tunnels_socket,
        "proxy": data.proxy_socket,
    }
    return {name: f"unix://{path}" for name, path in found.items()}


async def _health(address: str) -> Process:
    try:
        async with http_client(address, timeout=PATIENCE) as client:
            answer = await client.get("/readyz")
            told = answer.json()
    except (httpx.HTTPError, json.JSONDecodeError):
        return Process(answers=False)
    return Process(
        answers=True,
        ready=answer.is_success,
        missing=told.get("missing", {}),
        away=told.get("away", {}),
    )


def judge_processes(seen: Processes) -> Iterator[Finding]:
    """All run and are ready, by a supervisor or without one."""
    parts = {name: state for name, state in seen.health.items() if name != "server"}
    running = [name for name, state in parts.items() if state.answers or seen.held.get(name)]
    if not running and not seen.supervisor:
        yield problem("Nothing runs.", "Start it: `perdure server`, or the units of `deploy/`.")
        return
    if not seen.supervisor and any(seen.held.values()):
        yield problem(
            "The supervisor has gone; its parts run on, and nobody starts them again.",
            "Start `perdure server` again: it takes them over.",
        )
    wrong = [each for name, state in parts.items() for each in _wrong(name, state)]
    yield from wrong
    if not any(each.verdict == "problem" for each in wrong):
        yield fine(f"{', '.join(sorted(parts))} are ready.")


def _wrong(name: str, state: Process) -> Iterator[Finding]:
    log = f"Look at its log: `{name}.log` in `logs`, or the journal of its unit."
    if not state.answers:
        yield problem(f"The {name} does not answer on its socket.", log)
    elif not state.ready:
        why = "; ".join(f"{what}: {text}" for what, text in state.missing.items())
        yield problem(f"The {name} is not ready. {why}".strip(), log)
    for what, text in state.away.items():
        yield warning(f"The {name} works without {what}: {text}", log)


@dataclass(frozen=True)
class Door:
    """The front door: whether somebody listens there, and whether it is our proxy."""

    host: str
    port: int
    listening: bool
    ours: bool


async def look_at_door(settings: Settings) -> Door:
    """Ask the port, and what is behind it."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - asked
    try:
        socket.create_connection((host, settings.port), timeout=PATIENCE).close()
    except OSError:
        return Door(host, settings.port, listening=False, ours=False)
    try:
        async with http_client(f"tcp://{host}:{settings.port}", timeout=PATIENCE) as client:
            answer = await client.get("/healthz")
            ours = "x-request-id" in answer.headers or ApiUnreachable.code() in answer.text
    except httpx.HTTPError:
        ours = False
    return Door(host, settings.port, listening=True, ours=ours)


def judge_door(seen: Door) -> Iterator[Finding]:
    """Who asks there reaches us."""
    where = f"port {seen.port} of {seen.host}"
    if seen.ours:
        yield fine(f"The front door answers on {where}.")
    elif seen.listening:
        yield problem(
            f"What listens on {where} does not answer as our API does.",
            f"See which program it is by `ss -ltnp 'sport = :{seen.port}'`; `PERDURE_PORT` chooses "
            "another port.",
        )
    else:
        yield problem(
            f"Nobody listens on {where}.",
            "Start the server; if it runs, give the doctor its `PERDURE_HOST` and `PERDURE_PORT`.",
        )
