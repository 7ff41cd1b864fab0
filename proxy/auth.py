"""Who may call a service: SHA-256 hashes of tokens, in memory."""

import binascii
from collections.abc import Iterable
from hashlib import sha256

from spec.route import TokenGrant


class Tokens:
    """The grants of all tokens. A look-up costs the same for good tokens, bad ones and none.

    `version` grows with every change: an answer holds as long as it stays.
    """

    __slots__ = ("_projects", "version")

    def __init__(self, grants: Iterable[TokenGrant] = ()) -> None:
        self._projects: dict[bytes, frozenset[bytes]] = {}
        self.version = 0
        self.add(grants)

    def add(self, grants: Iterable[TokenGrant]) -> None:
        """Take these in, in place of what the same tokens were granted before."""
        for grant in grants:
            projects = frozenset(project.encode() for project in grant.projects)
            self._projects[binascii.unhexlify(grant.sha256)] = projects
        self.version += 1

    def revoke(self, hashes: Iterable[str]) -> None:
        """Forget these tokens."""
        for each in hashes:
            self._projects.pop(binascii.unhexlify(each), None)
        self.version += 1

    def replace(self, grants: Iterable[TokenGrant]) -> None:
        """Exactly these from now on."""
        self._projects = {}
        self.add(grants)

    def grants(self) -> tuple[TokenGrant, ...]:
        """All of them, to be kept on disk."""
        return tuple(
            TokenGrant(sha256=digest.hex(), projects=tuple(sorted(p.decode() for p in projects)))
            for digest, projects in self._projects.items()
        )

    def projects_of(self, token: bytes) -> frozenset[bytes] | None:
        """The projects that it opens; None when it is no token of ours."""
        return self._projects.get(sha256(token).digest())


class Caller:
    """One connection's caller. The same token again, unless tokens changed, is not hashed again."""

    __slots__ = ("_authorization", "_projects", "_tokens", "_version")

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._version = -1
        self._authorization: bytes | None = None
        self._projects: frozenset[bytes] | None = None

    def projects(self, authorization: bytes | None) -> frozenset[bytes] | None:
        """The projects that this `Authorization` opens; None when there is no token of ours."""
        if authorization != self._authorization or self._version != self._tokens.version:
            self._projects = self._tokens.projects_of(bearer(authorization))
            self._authorization, self._version = authorization, self._tokens.version
        return self._projects


def bearer(authorization: bytes | None) -> bytes:
    """The token of an `Authorization` value; empty when there is none."""
    if authorization is None or authorization[:7].lower() != b"bearer ":
        return b""
    return authorization[7:].strip()
