"""Who may call which service: SHA-256 hashes of tokens, in memory."""

import binascii
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from math import inf

from spec.route import TokenGrant


@dataclass(frozen=True, slots=True)
class Opened:
    """What a token opens: all services of some projects, and single ones (project, run)."""

    projects: frozenset[bytes] = frozenset()
    services: frozenset[tuple[bytes, bytes]] = frozenset()

    def has(self, project: bytes, run: bytes) -> bool:
        """Whether it opens this service, be there one of that name or not."""
        return project in self.projects or (project, run) in self.services

    def has_some_of(self, project: bytes) -> bool:
        """Whether it opens a service of the project at all."""
        return project in self.projects or any(each == project for each, _ in self.services)


class Tokens:
    """The grants of all tokens. A look-up costs the same for good tokens, bad ones and none.

    `version` grows with every change: an answer holds as long as `current_version` stays. A token
    whose time is over by `clock` (seconds since 1970) is forgotten at the next look, by whomever.
    """

    __slots__ = ("_clock", "_ends", "_next_end", "_opened", "version")

    def __init__(
        self, grants: Iterable[TokenGrant] = (), clock: Callable[[], float] = time.time
    ) -> None:
        self._opened: dict[bytes, Opened] = {}
        self._ends: dict[bytes, datetime] = {}
        self._next_end = inf
        self._clock = clock
        self.version = 0
        self.add(grants)

    def current_version(self) -> int:
        """The version now that tokens whose time is over are forgotten."""
        if self._clock() >= self._next_end:
            self._forget_expired()
        return self.version

    def add(self, grants: Iterable[TokenGrant]) -> None:
        """Take these in, in place of what the same tokens were granted before."""
        for grant in grants:
            digest = binascii.unhexlify(grant.sha256)
            self._opened[digest] = _opened(grant)
            if grant.expires_at is None:
                self._ends.pop(digest, None)
            else:
                self._ends[digest] = grant.expires_at
        self._changed()

    def revoke(self, hashes: Iterable[str]) -> None:
        """Forget these tokens."""
        for each in hashes:
            self._forget(binascii.unhexlify(each))
        self._changed()

    def replace(self, grants: Iterable[TokenGrant]) -> None:
        """Exactly these from now on."""
        self._opened, self._ends = {}, {}
        self.add(grants)

    def grants(self) -> tuple[TokenGrant, ...]:
        """All of them, to be kept on disk."""
        return tuple(
            TokenGrant(
                sha256=digest.hex(),
                projects=tuple(sorted(each.decode() for each in opened.projects)),
                services=tuple(sorted(b"/".join(each).decode() for each in opened.services)),
                expires_at=self._ends.get(digest),
            )
            for digest, opened in self._opened.items()
        )

    def opened_by(self, token: bytes) -> Opened | None:
        """What it opens; None when it is no token of ours."""
        if self._clock() >= self._next_end:
            self._forget_expired()
        return self._opened.get(sha256(token).digest())

    def _forget_expired(self) -> None:
        now = self._clock()
        for digest in [each for each, end in self._ends.items() if end.timestamp() <= now]:
            self._forget(digest)
        self._changed()

    def _forget(self, digest: bytes) -> None:
        self._opened.pop(digest, None)
        self._ends.pop(digest, None)

    def _changed(self) -> None:
        self._next_end = min((end.timestamp() for end in self._ends.values()), default=inf)
        self.version += 1


class Caller:
    """One connection's caller. The same token again, unless tokens changed, is not hashed again."""

    __slots__ = ("_authorization", "_opened", "_tokens", "_version")

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._version = -1
        self._authorization: bytes | None = None
        self._opened: Opened | None = None

    def opened(self, authorization: bytes | None) -> Opened | None:
        """What this `Authorization` opens; None when there is no token of ours."""
        if authorization != self._authorization or self._version != self._tokens.current_version():
            self._opened = self._tokens.opened_by(bearer(authorization))
            self._authorization, self._version = authorization, self._tokens.version
        return self._opened


def _opened(grant: TokenGrant) -> Opened:
    places = (service.encode().partition(b"/") for service in grant.services)
    return Opened(
        frozenset(project.encode() for project in grant.projects),
        frozenset((project, run) for project, _, run in places),
    )


def bearer(authorization: bytes | None) -> bytes:
    """The token of an `Authorization` value; empty when there is none."""
    if authorization is None or authorization[:7].lower() != b"bearer ":
        return b""
    return authorization[7:].strip()
