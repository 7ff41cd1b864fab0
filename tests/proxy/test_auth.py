"""Tokens: hashes in, projects out."""

from hashlib import sha256

import pytest
from pydantic import ValidationError

from proxy.auth import Caller, Tokens
from spec.route import TokenGrant


def grant(token: bytes, *projects: str) -> TokenGrant:
    return TokenGrant(sha256=sha256(token).hexdigest(), projects=projects)


def test_a_token_opens_its_projects() -> None:
    tokens = Tokens([grant(b"t", "a", "b")])
    assert tokens.projects_of(b"t") == frozenset({b"a", b"b"})
    assert tokens.projects_of(b"other") is None
    assert tokens.projects_of(b"") is None


def test_a_grant_takes_the_place_of_the_last_one() -> None:
    tokens = Tokens([grant(b"t", "a")])
    tokens.add([grant(b"t", "b")])
    assert tokens.projects_of(b"t") == frozenset({b"b"})
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
    assert caller.projects(b"Bearer t") == frozenset({b"a"})
    assert caller.projects(b"Bearer x") is None
    assert caller.projects(None) is None
    assert caller.projects(b"Bearer t") == frozenset({b"a"})
    tokens.revoke([sha256(b"t").hexdigest()])
    assert caller.projects(b"Bearer t") is None
    tokens.replace([grant(b"t", "b")])
    assert caller.projects(b"bearer t ") == frozenset({b"b"})
