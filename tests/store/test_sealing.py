import base64
from collections.abc import Callable

import pytest

from perdure.errors import CannotStart, NotFound, UnknownSecret
from perdure.key_ring import KeyRing
from perdure.keys import replace_secret
from perdure.settings import Settings
from spec.job import RegistryCredentials
from spec.sealed import SealedValues
from store.sealing import UNKNOWN_KEY, Seal
from store.store import Store, open_store

VALUE = "hf_thisIsTheSecretValue"


@pytest.fixture
def seal(settings: Settings) -> Seal:
    return Seal(KeyRing(settings.master_key_path))


def opened(seal: Seal, closed: dict[str, object], *row: str) -> bytes:
    return seal.open(bytes(closed["sealed"]), str(closed["sealed_by"]), *row)  # type: ignore[call-overload]


def test_opens_in_its_own_row_only(seal: Seal) -> None:
    closed = seal.close(b"value", "secrets", "main", "KEY")
    assert opened(seal, closed, "secrets", "main", "KEY") == b"value"
    with pytest.raises(CannotStart):
        opened(seal, closed, "secrets", "other", "KEY")


def test_another_key_does_not_open(seal: Seal, settings: Settings) -> None:
    closed = seal.close(b"value", "row")
    replace_secret(settings.master_key_path, bytes(32))
    for by in (str(closed["sealed_by"]), UNKNOWN_KEY):
        with pytest.raises(CannotStart, match="master key"):
            opened(seal, closed | {"sealed_by": by}, "row")


async def test_secrets_are_listed_by_name_and_read_by_name(store: Store) -> None:
    await store.secrets.set("main", "B", "two")
    await store.secrets.set("main", "A", "one")
    await store.secrets.set("main", "A", "uno")
    assert [secret.name for secret in await store.secrets.of("main")] == ["A", "B"]
    assert await store.secrets.values("main", ["A", "B", "A"]) == {"A": "uno", "B": "two"}
    with pytest.raises(UnknownSecret, match="`C`"):
        await store.secrets.values("main", ["A", "C"])
    await store.secrets.delete("main", "A")
    with pytest.raises(NotFound):
        await store.secrets.delete("main", "A")


async def test_envelopes_are_opened_until_forgotten(store: Store) -> None:
    values = SealedValues(
        env={"KEY": VALUE}, registry=RegistryCredentials(username="u", password=VALUE)
    )
    await store.envelopes.put("e1", "main", "run", values)
    assert await store.envelopes.open("e1", "main", "run") == values
    for project, run in (("other", "run"), ("main", "other")):
        with pytest.raises(NotFound):
            await store.envelopes.open("e1", project, run)
    assert await store.envelopes.forget(["e1", "e2"]) == 1
    with pytest.raises(NotFound):
        await store.envelopes.open("e1", "main", "run")


async def test_no_value_is_readable_in_the_database(
    settings: Settings, content: Callable[[], bytes]
) -> None:
    async with open_store(settings) as store:
        await store.secrets.set("main", "KEY", VALUE)
        await store.envelopes.put("e1", "main", "run", SealedValues(env={"KEY": VALUE}))
        token, _ = await store.tokens.create("admin", "x")
    kept = content()
    assert b"e1" in kept
    for value in (VALUE, token.value):
        assert value.encode() not in kept
        assert base64.b64encode(value.encode()).rstrip(b"=")[:-1] not in kept


def test_values_do_not_show_when_printed() -> None:
    values = SealedValues(
        env={"K": VALUE}, registry=RegistryCredentials(username="u", password=VALUE)
    )
    assert VALUE not in repr(values)
