"""Tokens: hashes in, projects out."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from pydantic import ValidationError

from proxy.auth import Caller, Opened, Tokens
from spec.route import TokenGrant

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now.timestamp()


def grant(token: bytes, *projects: str, expires_at: datetime | None = None) -> TokenGrant:
    return TokenGrant(sha256=sha256(token).hexdigest(), projects=projects, expires_at=expires_at)


def brief(clock: Clock) -> Tokens:
    """`t` for a second, `u` for two, `v` for ever."""
    ends = {b"t": NOON + timedelta(seconds=1), b"u": NOON + timedelta(seconds=2), b"v": None}
    return Tokens([grant(each, "a", expires_at=end) for each, end in ends.items()], clock)


def test_a_token_opens_its_projects() -> None:
    tokens = Tokens([grant(b"t", "a", "b")])
    assert tokens.opened_by(b"t") == Opened(frozenset({b"a", b"b"}))
    assert tokens.opened_by(b"other") is None
    assert tokens.opened_by(b"") is None


def test_a_token_may_open_single_services() -> None:
    sha = sha256(b"t").hexdigest()
    single = TokenGrant(sha256=sha, projects=("a",), services=("b/one", "b/two"))
    tokens = Tokens([single])
    opened = tokens.opened_by(b"t")
    assert opened is not None
    assert opened.has(b"a", b"any")
    assert opened.has(b"b", b"one")
    assert not opened.has(b"b", b"three")
    assert not opened.has(b"one", b"b")
    assert [opened.has_some_of(each) for each in (b"a", b"b", b"c")] == [True, True, False]
    assert tokens.grants() == (single,)


@pytest.mark.parametrize("service", ["", "b", "/one", "b/", "b/one/two"])
def test_a_single_service_has_a_project_and_a_name(service: str) -> None:
    with pytest.raises(ValidationError):
        TokenGrant(sha256="ab" * 32, services=(service,))


def test_a_grant_takes_the_place_of_the_last_one() -> None:
    tokens = Tokens([grant(b"t", "a")])
    tokens.add([grant(b"t", "b")])
    assert tokens.opened_by(b"t") == Opened(frozenset({b"b"}))
    assert tokens.grants() == (grant(b"t", "b"),)
    tokens.replace([grant(b"u", "a")])
    assert tokens.grants() == (grant(b"u", "a"),)


@pytest.mark.parametrize("digest", ["", "zz" * 32, "ab" * 31, "ab" * 32 + "\n", "ab" * 33])
def test_a_grant_names_a_hash(digest: str) -> None:
    with pytest.raises(ValidationError):
        TokenGrant(sha256=digest)


def test_what_a_connection_remembers_ends_with_the_token() -> None:
    tokens = Tokens([grant(b"t", "a")])
    caller = Caller(tokens)
    assert caller.opened(b"Bearer t") == Opened(frozenset({b"a"}))
    assert caller.opened(b"Bearer x") is None
    assert caller.opened(None) is None
    assert caller.opened(b"Bearer t") == Opened(frozenset({b"a"}))
    tokens.revoke([sha256(b"t").hexdigest()])
    assert caller.opened(b"Bearer t") is None
    tokens.replace([grant(b"t", "b")])
    assert caller.opened(b"bearer t ") == Opened(frozenset({b"b"}))


def test_a_token_opens_nothing_from_the_moment_that_it_expires() -> None:
    clock = Clock()
    tokens = brief(clock)
    clock.now += timedelta(microseconds=999_999)
    assert tokens.opened_by(b"t") == Opened(frozenset({b"a"}))
    clock.now = NOON + timedelta(seconds=1)
    assert tokens.opened_by(b"t") is None
    assert tokens.opened_by(b"u") == Opened(frozenset({b"a"}))
    clock.now = NOON + timedelta(seconds=2)
    assert tokens.opened_by(b"u") is None
    assert tokens.grants() == (grant(b"v", "a"),)


def test_what_a_connection_remembers_ends_when_the_token_expires() -> None:
    clock = Clock()
    tokens = brief(clock)
    first, second = Caller(tokens), Caller(tokens)
    assert first.opened(b"Bearer t") == second.opened(b"Bearer t") == Opened(frozenset({b"a"}))
    clock.now = NOON + timedelta(seconds=1)
    assert first.opened(b"Bearer t") is None
    assert second.opened(b"Bearer t") is None


def test_a_newer_grant_moves_or_lifts_the_end() -> None:
    clock = Clock()
    tokens = brief(clock)
    tokens.add([grant(b"t", "a"), grant(b"u", "a", expires_at=NOON + timedelta(hours=1))])
    clock.now = NOON + timedelta(minutes=59)
    assert tokens.opened_by(b"t") == tokens.opened_by(b"u") == Opened(frozenset({b"a"}))
    clock.now = NOON + timedelta(hours=1)
    assert tokens.opened_by(b"t") == Opened(frozenset({b"a"}))
    assert tokens.opened_by(b"u") is None


def test_what_is_kept_on_disk_knows_when_it_ends() -> None:
    tokens = brief(Clock())
    again = [TokenGrant.model_validate_json(each.model_dump_json()) for each in tokens.grants()]
    assert Tokens(again).grants() == tokens.grants()
    assert again[0].expires_at == NOON + timedelta(seconds=1)
