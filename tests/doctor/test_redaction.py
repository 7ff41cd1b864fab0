"""No form of a secret survives, and the words around it do."""

import base64
import json
import secrets
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.redaction import REMOVED, SHORTEST, Redaction, secrets_of
from perdure.settings import Settings
from spec.people import GlobalRole
from spec.sealed import SealedValues
from store.store import Store

SECRET = 'pass/word+"é\\ 1'


@given(
    secret=st.binary(min_size=SHORTEST, max_size=40),
    before=st.binary(max_size=20),
    after=st.binary(max_size=20),
)
def test_no_secret_stays_whatever_is_around_it(secret: bytes, before: bytes, after: bytes) -> None:
    cleaned = Redaction([secret]).clean(before + secret + after)
    assert secret not in cleaned.replace(REMOVED, b"")
    assert REMOVED in cleaned


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        json.dumps({"value": SECRET}),
        json.dumps({"value": SECRET}, ensure_ascii=False),
        f"https://host/{quote(SECRET, safe='')}?a=b",
        SECRET.encode().hex(),
        *(base64.b64encode(b"x" * shift + SECRET.encode() + b"y").decode() for shift in range(3)),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_every_form_is_removed(shown: str) -> None:
    cleaned = Redaction([SECRET.encode()]).clean(f"before {shown} after".encode())
    assert REMOVED in cleaned
    assert cleaned.startswith(b"before ")
    assert cleaned.endswith(b" after")
    assert len(cleaned) < len(f"before {shown} after") + len(REMOVED)


def test_of_two_secrets_of_which_one_holds_the_other_no_end_stays() -> None:
    redaction = Redaction([b"password", b"password-and-more"])
    assert redaction.clean(b"a password-and-more b password c") == b"a [removed] b [removed] c"


def test_what_is_too_short_is_no_secret_and_nothing_is_removed_for_it() -> None:
    assert Redaction([b"true", b"", b"8000"]).clean(b"true: 8000") == b"true: 8000"


async def test_all_secrets_of_a_machine_are_known(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "key-of-temporal")
    monkeypatch.setenv("PERDURE_TOKEN", "token-of-a-client")
    await store.users.create("alice", GlobalRole.USER)
    await store.secrets.set("main", "HF_TOKEN", "value-of-a-secret\nin two lines")
    await store.envelopes.put("e1", "main", "llm", SealedValues(env={"NAME": "value-of-env"}))
    settings.data.keys.mkdir(exist_ok=True)
    (settings.data.keys / "tunnels").write_text("-----BEGIN\nAAAAB3Nza\n-----END\n")
    (settings.data.keys / "tunnels.pub").write_text("ssh-ed25519 public")
    found = await secrets_of(settings)
    wanted = {
        *(b"key-of-temporal", b"token-of-a-client", b"value-of-a-secret", b"value-of-env"),
        *(b"AAAAB3Nza", settings.master_key_path.read_bytes()),
        *(settings.data.internal_key.read_bytes(), settings.data.admin_token.read_bytes()),
    }
    assert wanted <= found
    assert b"ssh-ed25519 public" not in found
    assert secrets.token_bytes(8) not in found
