"""Each cell of the role table, against the real API and a real store."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from api.app import PREFIX, public_app
from api.services import Services, make_services
from perdure.errors import NotFound
from perdure.settings import Settings
from spec.audit import Action, AuditEvent, Outcome
from spec.people import GlobalRole, ProjectRole
from spec.run_spec import RunSpec
from spec.service import ServiceConfiguration
from spec.status import RunPhase
from store.revisions import Revision
from store.store import Store, open_store
from tests.api.fake_runs import FakeRuns, run_state, run_status
from tests.api.role_table import (
    ARCHIVE,
    CHIEF,
    PEER,
    PLAIN,
    PROJECT,
    RUN,
    SECRET,
    SECRET_VALUE,
    SELF,
    TABLE,
    Caller,
    Row,
)
from tests.api.test_errors import SERVICE
from tests.store.conftest import TOKEN, Clock

READING = ("GET", "HEAD")
OUTSIDE = ("/healthz", "/readyz")
"""Paths that are not below the API's prefix."""

NAMES = {
    Caller.SERVICES: "ursula",
    Caller.OUTSIDER: "oscar",
    Caller.USER: "ursula",
    Caller.MANAGER: "mona",
    Caller.ADMIN: CHIEF,
    Caller.SERVER_ADMIN: "admin",
}
ROLES = {"ursula": ProjectRole.USER, "mona": ProjectRole.MANAGER, CHIEF: ProjectRole.ADMIN}
VALUES = {caller: f"value-of-{caller}".replace(" ", "-") for caller in Caller}
VALUES[Caller.SERVER_ADMIN] = TOKEN
SPECS = [
    RunSpec(configuration=ServiceConfiguration.model_validate(SERVICE | {"port": port}))
    for port in (8000, 8001)
]
"""The revisions of the run."""
CHANGES = [
    pytest.param(row, each, id=f"{row}: {each}")
    for row in TABLE
    for each in Caller
    if row.changes_by(each)
]


async def settle(store: Store, clock: Clock) -> None:
    """The people of the table, and what they have."""
    for name in ("ursula", "mona", CHIEF, "oscar", PLAIN, PEER):
        await store.users.create(name, GlobalRole.USER)
    for name, role in (ROLES | {PEER: ProjectRole.USER}).items():
        await store.projects.set_member(PROJECT, name, role)
    await store.projects.create("other", "oscar")
    await store.secrets.set(PROJECT, SECRET, SECRET_VALUE)

    async def content() -> AsyncIterator[bytes]:
        yield ARCHIVE

    await store.code.put(PROJECT, sha256(ARCHIVE).hexdigest(), content())
    for number, spec in enumerate(SPECS, start=1):
        await store.revisions.append(
            Revision(
                project=PROJECT,
                run=RUN,
                incarnation="life1",
                number=number,
                user="ursula",
                spec=spec,
                at=clock.now,
            )
        )
    for caller in (Caller.OUTSIDER, Caller.USER, Caller.MANAGER, Caller.ADMIN):
        await store.tokens.create(NAMES[caller], "cli", value=VALUES[caller])
    await store.tokens.create(
        "ursula", "caller", value=VALUES[Caller.SERVICES], scopes=[f"services:{PROJECT}"]
    )
    await store.tokens.create(
        CHIEF, "old", value=VALUES[Caller.EXPIRED], expires_at=clock.now - timedelta(seconds=1)
    )
    for name in {*NAMES.values(), PLAIN}:
        await store.tokens.create(name, "spare")
    await store.master_keys.rotate()


@pytest.fixture(scope="session")
def settled(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the people of the table: each cell gets a copy."""
    folder = tmp_path_factory.mktemp("settled") / "data"
    shutil.copytree(first_start, folder)

    async def fill() -> None:
        clock = Clock()
        async with open_store(Settings(data_dir=folder), clock=clock) as store:
            await settle(store, clock)

    asyncio.run(fill())
    return folder


class World:
    """A server with these people, and what is in its store."""

    def __init__(
        self, services: Services, runs: FakeRuns, tokens: Mapping[str, Collection[str]]
    ) -> None:
        """`tokens` are the ids of each user's."""
        self.app = public_app(services)
        self.services = services
        self.runs = runs
        self.tokens = tokens
        runs.know(run_status(RUN, RunPhase.DONE))
        runs.states[PROJECT, RUN] = run_state(SPECS[-1], RUN, revision=len(SPECS))

    async def ask(self, row: Row, caller: Caller) -> httpx.Response:
        path = await self._path(row, caller)
        prefix = "" if row.template in OUTSIDE else PREFIX
        return await self.send(
            row.method, path, caller, prefix=prefix, json=row.json, content=row.content
        )

    async def send(
        self, method: str, path: str, caller: Caller, *, prefix: str = PREFIX, **options: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {VALUES[caller]}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url=f"http://api{prefix}",
            headers={} if caller is Caller.ANONYMOUS else headers,
        ) as client:
            return await client.request(method, path, **options)

    async def _path(self, row: Row, caller: Caller) -> str:
        own = NAMES.get(caller, "ursula")
        archive = row.content or ARCHIVE
        *_, oldest = self.services.store.master_keys.all()
        where = {
            "project": PROJECT,
            "name": RUN,
            "sha256": sha256(archive).hexdigest(),
            "key": oldest.id,
        }
        if "/secrets/" in row.template:
            where["name"] = SECRET
        where |= {key: value.replace(SELF, own) for key, value in (row.where or {}).items()}
        if "token" in where:
            where["token"] = "gone"
            with suppress(NotFound):
                tokens = await self.services.store.tokens.of(where["name"])
                where["token"] = next((each.id for each in tokens if each.name == "spare"), "gone")
        return row.template.format_map(where)

    def state(self) -> object:
        """All that a call could have changed, but the audit log."""
        data = self.services.settings.data
        database = sqlite3.connect(data.database)
        listed = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = {
            name: sorted(map(repr, database.execute(f'SELECT * FROM "{name}"')))
            for (name,) in listed
            if name != "audit"
        }
        database.close()
        files = sorted(file.name for file in data.code.iterdir())
        keys = [key.id for key in self.services.store.master_keys.all()]
        return tables, files, keys, tuple(self.runs.applied), self._told()

    def _told(self) -> object:
        return tuple(self.runs.stopped), tuple(self.runs.scaled)

    def require_author(self, event: AuditEvent, row: Row, answer: httpx.Response) -> None:
        assert event.token in self.tokens[event.user]
        assert event.project == concerned(row, answer)

    async def audited(self) -> tuple[AuditEvent, ...]:
        return await self.services.store.audit.read(100)


@pytest.fixture
async def world(settled: Path, tmp_path: Path, clock: Clock) -> AsyncIterator[World]:
    shutil.copytree(settled, tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data")
    runs = FakeRuns()
    async with open_store(settings, clock=clock) as store:
        tokens = {
            name: [token.id for token in await store.tokens.of(name)] for name in NAMES.values()
        }
        yield World(await make_services(settings, store, runs), runs, tokens)


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_who_is_refused_or_only_reads_changes_nothing(world: World, row: Row) -> None:
    before = world.state()
    refusals = 0
    for caller in Caller:
        if row.changes_by(caller):
            continue
        answer = await world.ask(row, caller)
        assert answer.status_code == row.status(caller), f"{caller}: {answer.text}"
        assert world.state() == before, caller
        refusals += caller in NAMES and answer.status_code == 403 and row.method not in READING
        events = await world.audited()
        assert len(events) == refusals, caller
        if events:
            assert (events[0].action, events[0].outcome) == (
                Action.REQUEST_REFUSED,
                Outcome.REFUSED,
            )
            world.require_author(events[0], row, answer)


@pytest.mark.parametrize(("row", "caller"), CHANGES)
async def test_who_may_changes_something_and_is_audited(
    world: World, row: Row, caller: Caller
) -> None:
    before = world.state()
    answer = await world.ask(row, caller)
    assert answer.status_code == row.status(caller), answer.text
    assert world.state() != before
    (event,) = await world.audited()
    assert event.user == NAMES[caller]
    assert (event.action, event.outcome) == (row.action, Outcome.DONE)
    world.require_author(event, row, answer)


def test_whatever_is_no_reading_has_an_event() -> None:
    silent = {row.route for row in TABLE if row.method not in READING and row.action is None}
    assert silent == {
        f"POST /projects/{{project}}/{each}" for each in ("plans", "plans/replay", "offers")
    }


def concerned(row: Row, answer: httpx.Response) -> str | None:
    """The project that the event of this call is of."""
    if row.route == "POST /projects":
        return str(answer.json()["name"]) if answer.is_success else None
    return PROJECT if "{project}" in row.template else None


async def test_no_value_is_in_the_audit_log(world: World) -> None:
    for row in TABLE:
        await world.ask(row, Caller.SERVICES)
        await world.ask(row, Caller.SERVER_ADMIN)
    told = "".join(event.model_dump_json() for event in await world.audited())
    assert SECRET in told
    assert not [value for value in (*VALUES.values(), SECRET_VALUE) if value in told]


async def test_a_value_that_was_taken_for_an_id_is_not_in_the_audit_log(world: World) -> None:
    where = {"name": PLAIN, "token": VALUES[Caller.ADMIN]}
    answer = await world.send(
        "DELETE", "/users/{name}/tokens/{token}".format_map(where), Caller.USER
    )
    assert answer.status_code == 403
    (event,) = await world.audited()
    assert event.subject == f"DELETE /api/v1/users/{PLAIN}/tokens/…"


def test_every_route_is_in_the_table_and_no_other(services: Services) -> None:
    app = public_app(services)
    documented = {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    undocumented = {
        f"GET {route.path.removeprefix(PREFIX)}"
        for route in app.routes
        if isinstance(route, Route) and not route.include_in_schema
    }
    assert {row.route for row in TABLE} == documented | undocumented
