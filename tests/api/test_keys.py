"""Master keys by the API: only for admins of the server, and only their ids are told."""

import httpx
import pytest

from api.services import Services
from engine.converter import payload_key_id
from perdure.keys import Purpose
from perdure.settings import Settings
from spec.audit import Action, Outcome
from spec.server import KeyRotation, MasterKeyUse
from store.store import Store
from tests.api.fake_runs import FakeRuns

KEYS = "/server/keys"


async def listed(client: httpx.AsyncClient) -> list[MasterKeyUse]:
    answer = await client.get(KEYS)
    assert answer.status_code == 200, answer.text
    return [MasterKeyUse.model_validate(each) for each in answer.json()]


async def test_a_key_is_rotated_listed_and_forgotten(
    admin: httpx.AsyncClient, store: Store, services: Services, settings: Settings
) -> None:
    await store.secrets.set("main", "S", "value")
    (old,) = await listed(admin)
    assert (old.current, old.workflows) == (True, None)
    answer = await admin.post(KEYS)
    assert answer.status_code == 200
    rotated = KeyRotation.model_validate(answer.json())
    assert (rotated.values, rotated.unreadable) == (2, 0)
    assert await listed(admin) == [
        MasterKeyUse(id=rotated.key, current=True, values=2),
        MasterKeyUse(id=old.id, current=False, values=0, workflows=0),
    ]
    assert (await admin.delete(f"{KEYS}/{old.id}")).status_code == 204
    assert [each.id for each in await listed(admin)] == [rotated.key]
    assert await store.secrets.values("main", ["S"]) == {"S": "value"}
    assert services.digest_key == await store.kept_keys.digests()
    assert len(settings.master_key_path.read_bytes()) == 32


async def test_a_key_that_living_workflows_need_is_kept_and_they_are_named(
    admin: httpx.AsyncClient, store: Store, runs: FakeRuns
) -> None:
    (old,) = store.master_keys.all()
    needing = [f"run/main/r{number}" for number in range(5)]
    runs.needing[payload_key_id(old.subkey(Purpose.PAYLOADS))] = needing
    await admin.post(KEYS)
    assert [each.workflows for each in await listed(admin)] == [None, 5]
    refused = await admin.delete(f"{KEYS}/{old.id}")
    assert refused.status_code == 409
    told = refused.json()["error"]["message"]
    assert "`run/main/r0`, `run/main/r1`, `run/main/r2` and 2 more" in told
    assert len(store.master_keys.all()) == 2
    event, *_ = await store.audit.read(1)
    assert (event.action, event.subject, event.outcome) == (
        Action.KEY_FORGET,
        old.id,
        Outcome.REFUSED,
    )


async def test_only_an_admin_of_the_server_may(
    alice: httpx.AsyncClient, stranger: httpx.AsyncClient, store: Store
) -> None:
    (key,) = store.master_keys.all()
    for theirs in (alice, stranger):
        answers = [
            await theirs.get(KEYS),
            await theirs.post(KEYS),
            await theirs.delete(f"{KEYS}/{key.id}"),
        ]
        assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert [each.id for each in store.master_keys.all()] == [key.id]


async def test_a_file_that_cannot_be_written_is_told_with_what_to_do(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("store.master_keys.replace_secret", refuse)
    refused = await admin.post(KEYS)
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert "cannot be changed: read-only file system" in error["message"]
    assert "before the old one" in error["hint"]


async def test_an_unknown_key_is_not_found_and_the_one_that_seals_is_kept(
    admin: httpx.AsyncClient, store: Store
) -> None:
    (key,) = store.master_keys.all()
    assert (await admin.delete(f"{KEYS}/{'0' * 12}")).status_code == 404
    assert (await admin.delete(f"{KEYS}/{key.id}")).status_code == 409
