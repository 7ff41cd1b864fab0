"""Who may call a service: SHA-256 hashes of tokens, in memory."""

import binascii
from collections.abc import Iterable
from hashlib import sha256

from spec.route import TokenGrant


class Tokens:
    """The grants of all tokens. A look-up costs the same for good tokens, bad ones and none."""

    __slots__ = ("_projects",)

    def __init__(self, grants: Iterable[TokenGrant] = ()) -> None:
        self._projects: dict[bytes, frozenset[bytes]] = {}
        self.add(grants)

    def add(self, grants: Iterable[TokenGrant]) -> None:
        """Take these in, in place of what the same tokens were granted before."""
        for grant in grants:
            projects = frozenset(project.encode() for project in grant.projects)
            self._projects[binascii.unhexlify(grant.sha256)] = projects

    def revoke(self, hashes: Iterable[str]) -> None:
        """Forget these tokens."""
        for each in hashes:
            self._projects.pop(binascii.unhexlify(each), None)

    def replace(self, grants: Iterable[TokenGrant]) -> None:
        """Exactly these from now on."""
        self._projects = Tokens(grants)._projects

    def grants(self) -> tuple[TokenGrant, ...]:
        """All of them, to be kept on disk."""
        return tuple(
            TokenGrant(sha256=digest.hex(), projects=tuple(sorted(p.decode() for p in projects)))
            for digest, projects in self._projects.items()
        )

    def projects_of(self, token: bytes) -> frozenset[bytes] | None:
        """The projects that it opens; None when it is no token of ours."""
        return self._projects.get(sha256(token).digest())


def bearer(authorization: bytes | None) -> bytes:
    """The token of an `Authorization` value; empty when there is none."""
    if authorization is None or authorization[:7].lower() != b"bearer ":
        return b""
    return authorization[7:].strip()
