"""Whatever holds a secret does not show it, however it is rendered."""

import dataclasses
import importlib
import logging
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter
from sqlalchemy.exc import IntegrityError, StatementError

import engine.client
from api.routes.secrets import SecretValue
from api.submissions import strip
from api.ui.session import Sessions
from cli.client import Client
from cli.connection import Connection
from engine.converter import PublicCodec, SealingCodec
from hosts.process.folder import Order
from perdure.client_config import KnownProject, KnownProjects
from perdure.errors import ServerUnreachable
from perdure.key_ring import KeyFile, KeyRing
from perdure.keys import MasterKey, read_internal_keys
from perdure.settings import Settings
from server.children import children
from server.temporal import Ports
from spec.job import Job, JobLabels, RegistryCredentials
from spec.people import NewToken
from spec.sealed import SealedValues
from spec.service import ServiceConfiguration
from spec.submission import ApplyCall, PlanCall, Submission
from store.database import Database
from store.sealing import Seal
from store.store import Store, open_store
from store.tables import tokens
from tests.engine.fixed_keys import fixed
from tests.secrecy.renderings import mistakes, renderings
from tests.secrecy.search import found

CANARY = "c4nary+/or"
"""Short, for pydantic quotes no more than the two ends of what is long."""
ROOMS = (
    "perdure",
    "spec",
    "policy",
    "engine",
    "activities",
    "hosts",
    "store",
    "api",
    "proxy",
    "cli",
)

ASKED = {
    "type": "service",
    "port": 8000,
    "commands": ["serve"],
    "env": {"TOKEN": CANARY, "FROM": "${{ secrets.X }}" + CANARY},
    "registry_auth": {"username": "me", "password": CANARY},
    "probes": [
        {
            "type": "http",
            "method": "post",
            "headers": [{"name": "Authorization", "value": CANARY}],
            "body": CANARY,
        }
    ],
}
SERVICE = ServiceConfiguration.model_validate(ASKED)
CREDENTIALS = RegistryCredentials(username="me", password=CANARY)
PROJECT = KnownProject(name="main", url="http://localhost", token=CANARY)
CONNECTION = Connection(project="main", url="http://localhost", token=CANARY)
KEY = MasterKey(CANARY.encode().ljust(32, b"!"))
LABELS = JobLabels(server="s", project="p", run="r", replica="x")
CARRIERS: dict[str, object] = {
    "a service": SERVICE,
    "a submission": Submission(configuration=SERVICE),
    "a plan's call": PlanCall(configuration=SERVICE),
    "an apply's call": ApplyCall(configuration=SERVICE),
    "what is stripped": strip(Submission(configuration=SERVICE), "p", "r", CANARY.encode()),
    "sealed values": SealedValues(env={"A": CANARY}, registry=CREDENTIALS),
    "credentials": CREDENTIALS,
    "a job": Job(token="t", labels=LABELS, port=1, env={"A": CANARY}, registry=CREDENTIALS),
    "a process's order": Order(argv=(), env={"A": CANARY}, cwd="/", code="/", uid=None),
    "a secret's value": SecretValue(value=CANARY),
    "a new token": NewToken.model_validate(
        {"id": "i", "name": "n", "created_at": "2026-01-01T00:00:00Z", "value": CANARY}
    ),
    "a known project": PROJECT,
    "known projects": KnownProjects(projects=(PROJECT,)),
    "a connection": CONNECTION,
    "a client": Client(CONNECTION),
    "headers": httpx.Headers({"authorization": f"Bearer {CANARY}"}),
    "settings": Settings(
        admin_token=SecretStr(CANARY), database_url=f"postgresql+asyncpg://u:{CANARY}@h/d"
    ),
    "a master key": KEY,
    "a public codec": PublicCodec(fixed(CANARY.encode())),
    "a sealing codec": SealingCodec(fixed(CANARY.encode()), fixed(CANARY.encode().ljust(32))),
    "sessions": Sessions(fixed(CANARY.encode())),
}


class Careless(BaseModel):
    password: str


@dataclasses.dataclass
class Naive:
    token: str


@pytest.mark.parametrize("careless", [Careless(password=CANARY), Naive(CANARY), CANARY])
def test_each_rendering_shows_what_is_not_protected(careless: object) -> None:
    blind = [name for name, shown in renderings(careless) if not found(shown.encode(), [CANARY])]
    assert blind == []


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_no_rendering_shows_a_secret(carrier: object) -> None:
    shown = [name for name, text in renderings(carrier) if found(text.encode(), [CANARY])]
    assert shown == []


def test_what_reads_keys_shows_none(tmp_path: Path, settings: Settings) -> None:
    for name, content in {"master": CANARY.ljust(32), "internal": CANARY}.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    ring = KeyRing(tmp_path / "master")
    lines = KeyFile(tmp_path / "internal", read_internal_keys)
    values = [ring.current.subkey, *lines()]
    assert values[-1] == CANARY
    for reader in (ring, lines, Seal(ring), engine.client.codec(settings)):
        assert not [n for n, text in renderings(reader) if found(text.encode(), [CANARY])]


WORDS = {"name", "shell", "idle_duration", "max_duration", "stop_duration"}
"""Properties whose wrong words are repeated, to say what was meant."""
MODELS = {type(each) for each in CARRIERS.values() if isinstance(each, BaseModel)}


def test_errors_of_a_careless_model_quote_what_was_given() -> None:
    assert any(found(told.encode(), [CANARY]) for _, told in mistakes(Careless, CANARY))


@pytest.mark.parametrize(
    "model", sorted(MODELS - {Settings}, key=str), ids=lambda model: model.__name__
)
def test_errors_of_a_model_do_not_quote_what_was_given(model: type[BaseModel]) -> None:
    told = [mistake for mistake in mistakes(model, CANARY) if mistake[0] not in WORDS]
    assert told
    assert [name for name, text in told if found(text.encode(), [CANARY])] == []


@pytest.mark.parametrize("name", ["admin_token", "database_url"])
def test_errors_of_settings_do_not_quote_what_was_given(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PERDURE_{name.upper()}", CANARY)
    monkeypatch.setenv("PERDURE_PORT", CANARY)
    with pytest.raises(ValueError, match="validation error") as refused:
        Settings()
    assert not found(f"{refused.value} {refused.value!r}".encode(), [CANARY])


SUSPICIOUS = re.compile(r"token|password|secret|credential|(?<!public_)key|env$|auth$|body|value")
HARMLESS = {
    "AuditEvent.token",
    "Author.token",
    "Caller.token",
    "ContainerOptions.registry_auth",
    "CreateOrder.token",
    "EndpointOptions.auth",
    "Feed.tokens",
    "Instance.token",
    "Job.token",
    "KeyRotation.key",
    "KeyRotation.values",
    "LogSource.key",
    "MasterKeyUse.values",
    "Place.image_env",
    "RateLimit.key",
    "Record.token",
    "RouteFile.tokens",
    "RouteTable.auth",
    "ServiceConfiguration.auth",
    "ServiceConfiguration.registry_auth",
    "Settings.master_key_file",
    "TgiModel.eos_token",
}
"""Tokens of idempotency, ids and hashes of secrets, yes and no: nothing that opens anything."""


def models() -> Iterator[type[BaseModel]]:
    """Every model of our rooms."""
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if not re.search(r"__main__|migrations|hosts\.process\.shim", module.name):
                importlib.import_module(module.name)
    waiting: list[type[BaseModel]] = [BaseModel]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        yield from (each for each in below if each.__module__.partition(".")[0] in ROOMS)


def unprotected(model: type[BaseModel]) -> list[str]:
    """Its fields whose names sound like secrets, and which are shown."""
    return [
        f"{model.__name__}.{name}"
        for name, field in model.model_fields.items()
        if SUSPICIOUS.search(name) and field.repr and "Secret" not in str(field.annotation)
    ]


def test_no_model_has_a_field_that_sounds_like_a_secret_and_is_shown() -> None:
    assert unprotected(Careless) == ["Careless.password"]
    shown = {field for model in models() for field in unprotected(model)}
    assert shown == HARMLESS


async def test_the_store_tells_no_value_at_debug_and_in_no_error(
    store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with open_store(settings) as chatty:
            await chatty.secrets.set("main", "S", CANARY)
            await chatty.envelopes.put("e", "main", "r", SealedValues(env={"A": CANARY}))
            await chatty.envelopes.open("e", "main", "r")
            assert await chatty.secrets.values("main", ["S"]) == {"S": CANARY}
            await chatty.tokens.create("admin", "preset", value=CANARY)
            assert await chatty.tokens.caller(CANARY) is not None
            await chatty.master_keys.rotate()
    assert any("INSERT INTO secrets" in message for message in caplog.messages)
    assert not found("\n".join(caplog.messages).encode(), [CANARY])


async def test_a_statement_that_fails_does_not_tell_its_values(settings: Settings) -> None:
    database = Database(settings.store_url)
    row = {"id": CANARY, "user": CANARY, "name": CANARY}
    for wrong, kind in ((row, IntegrityError), (row | {"created_at": CANARY}, StatementError)):
        with pytest.raises(kind) as refused:
            async with database.write() as connection:
                await connection.execute(tokens.insert().values(wrong))
        assert not found(f"{refused.value} {refused.value!r}".encode(), [CANARY])
    await database.close()


def test_an_answer_that_is_not_understood_is_not_quoted() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[{"value": CANARY, "id": [CANARY]}])

    with (
        Client(CONNECTION, transport=httpx.MockTransport(answer)) as client,
        pytest.raises(ServerUnreachable) as refused,
    ):
        client.get(list[NewToken], "/tokens")
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert found(TypeAdapter(bytes).dump_json(CANARY.encode()), [CANARY])


def test_no_part_has_a_secret_among_its_arguments_and_few_in_their_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PERDURE_ADMIN_TOKEN", CANARY)
    monkeypatch.setenv("PERDURE_DATABASE_URL", f"postgresql+asyncpg://u:{CANARY}@h/d")
    parts = children(Settings(data_dir=tmp_path), Ports(grpc=1, web=2, ui=3))
    assert not [part.name for part in parts if found(str(part.command).encode(), [CANARY])]
    given = {
        part.name: sorted(name for name, value in part.environment.items() if CANARY in value)
        for part in parts
    }
    assert {name: names for name, names in given.items() if names} == {
        "setup": ["PERDURE_ADMIN_TOKEN", "PERDURE_DATABASE_URL"],
        "worker": ["PERDURE_DATABASE_URL"],
        "api": ["PERDURE_DATABASE_URL"],
    }
