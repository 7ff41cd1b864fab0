"""Every route and everybody who may call it: the one table of what is answered.

`docs/reference/roles.md` is made from it, and `test_roles.py` calls each of its cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spec.audit import Action
from tests.api.test_errors import SERVICE


class Caller(StrEnum):
    """Who calls."""

    ANONYMOUS = "no token"
    BAD = "wrong token"
    EXPIRED = "expired token"
    SERVICES = "services token"
    OUTSIDER = "outsider"
    USER = "user"
    MANAGER = "manager"
    ADMIN = "admin"
    SERVER_ADMIN = "server admin"


UNKNOWN = (Caller.ANONYMOUS, Caller.BAD, Caller.EXPIRED)
KNOWN = (Caller.OUTSIDER, Caller.USER, Caller.MANAGER, Caller.ADMIN, Caller.SERVER_ADMIN)

PROJECT, RUN, SECRET = "main", "app", "KEY"
PLAIN, PEER, CHIEF = "bob", "dora", "ada"
"""A user of no project; a `user` and an `admin` of the project."""
SELF = "{self}"
"""In a path: the user who calls."""
SECRET_VALUE = "s3cret-value"
ARCHIVE, NEW_ARCHIVE = b"what the archive holds", b"what another one holds"
CALL = {"configuration": SERVICE}
TRACE = {"step": 10, "seconds": 60, "rows": [[0, 1]]}


@dataclass(frozen=True)
class Row:
    """A route; `case` says on what, where that matters. `statuses` are those of `KNOWN`.

    `action` is the event that success leaves; None: nothing is changed.
    """

    route: str
    statuses: tuple[int, int, int, int, int]
    action: Action | None = None
    case: str = ""
    where: Mapping[str, str] | None = None
    json: Mapping[str, Any] | None = None
    content: bytes | None = None
    unknown: int = 401
    services: int = 403

    @property
    def method(self) -> str:
        return self.route.split()[0]

    @property
    def template(self) -> str:
        return self.route.split()[1]

    def status(self, caller: Caller) -> int:
        """What this caller is answered."""
        if caller in UNKNOWN:
            return self.unknown
        return self.services if caller is Caller.SERVICES else self.statuses[KNOWN.index(caller)]

    def changes_by(self, caller: Caller) -> bool:
        """Whether this caller's call changes something."""
        return self.action is not None and self.status(caller) < 400

    def __str__(self) -> str:
        return f"{self.route} {self.case}".strip()


def all_may(status: int = 200) -> tuple[int, int, int, int, int]:
    return (status, status, status, status, status)


def server_admins(status: int = 200) -> tuple[int, int, int, int, int]:
    return (403, 403, 403, 403, status)


def members(status: int = 200) -> tuple[int, int, int, int, int]:
    return (403, status, status, status, status)


def managers(status: int = 200) -> tuple[int, int, int, int, int]:
    return (403, 403, status, status, status)


def admins(status: int = 200) -> tuple[int, int, int, int, int]:
    return (403, 403, 403, status, status)


KEY = "/server/keys/{key}"
USER, TOKENS, TOKEN = "/users/{name}", "/users/{name}/tokens", "/users/{name}/tokens/{token}"
IN_PROJECT = "/projects/{project}"
MEMBER, ONE_SECRET = IN_PROJECT + "/members/{user}", IN_PROJECT + "/secrets/{name}"
CODE, ONE_RUN = IN_PROJECT + "/code/{sha256}", IN_PROJECT + "/runs/{name}"


def user(name: str) -> dict[str, str]:
    return {"name": name}


def token(owner: str) -> dict[str, str]:
    return {"name": owner, "token": f"token of {owner}"}


def member(name: str) -> dict[str, str]:
    return {"project": PROJECT, "user": name}


def role(name: str) -> dict[str, str]:
    return {"role": name}


TABLE = (
    Row("GET /healthz", all_may(), unknown=200, services=200),
    Row("GET /readyz", all_may(), unknown=200, services=200),
    Row("GET /openapi.json", all_may()),
    Row("GET /server", all_may()),
    Row("GET /me", all_may()),
    Row("GET /server/keys", server_admins()),
    Row("POST /server/keys", server_admins(), Action.KEY_ROTATE),
    Row(f"DELETE {KEY}", server_admins(204), Action.KEY_FORGET),
    Row("GET /users", server_admins()),
    Row("POST /users", server_admins(201), Action.USER_CREATE, json=user("new")),
    Row(
        f"PUT {USER}",
        server_admins(),
        Action.USER_ROLE,
        "another's role",
        user(PLAIN),
        role("admin"),
    ),
    Row(f"PUT {USER}", server_admins(), Action.USER_ROLE, "one's own", user(SELF), role("admin")),
    Row(f"DELETE {USER}", server_admins(204), Action.USER_DELETE, where=user(PLAIN)),
    Row(f"GET {TOKENS}", all_may(), case="one's own", where=user(SELF)),
    Row(f"GET {TOKENS}", server_admins(), case="another's", where=user(PLAIN)),
    Row(f"POST {TOKENS}", all_may(201), Action.TOKEN_CREATE, "for oneself", user(SELF), {}),
    Row(f"POST {TOKENS}", server_admins(201), Action.TOKEN_CREATE, "for another", user(PLAIN), {}),
    Row(
        f"POST {TOKENS}",
        members(201),
        Action.TOKEN_CREATE,
        "for the project's services",
        user(SELF),
        {"scopes": [f"services:{PROJECT}"]},
    ),
    Row(f"DELETE {TOKEN}", all_may(204), Action.TOKEN_REVOKE, "one's own", token(SELF)),
    Row(f"DELETE {TOKEN}", server_admins(204), Action.TOKEN_REVOKE, "another's", token(PLAIN)),
    Row("GET /projects", all_may()),
    Row("POST /projects", all_may(201), Action.PROJECT_CREATE, json={"name": "new"}),
    Row(f"GET {IN_PROJECT}", members()),
    Row(f"DELETE {IN_PROJECT}", admins(204), Action.PROJECT_DELETE),
    Row(f"PUT {MEMBER}", managers(), Action.MEMBER_SET, "a user", member(PLAIN), role("user")),
    Row(f"PUT {MEMBER}", managers(), Action.MEMBER_SET, "a manager", member(PEER), role("manager")),
    Row(f"PUT {MEMBER}", admins(), Action.MEMBER_SET, "an admin", member(PEER), role("admin")),
    Row(
        f"PUT {MEMBER}",
        admins(),
        Action.MEMBER_SET,
        "who was an admin",
        member(CHIEF),
        role("user"),
    ),
    Row(
        f"PUT {MEMBER}",
        admins(),
        Action.MEMBER_SET,
        "oneself an admin",
        member(SELF),
        role("admin"),
    ),
    Row(f"DELETE {MEMBER}", managers(204), Action.MEMBER_REMOVE, "a user", member(PEER)),
    Row(f"DELETE {MEMBER}", admins(204), Action.MEMBER_REMOVE, "an admin", member(CHIEF)),
    Row(f"GET {IN_PROJECT}/secrets", members()),
    Row(f"PUT {ONE_SECRET}", managers(), Action.SECRET_SET, json={"value": SECRET_VALUE}),
    Row(f"DELETE {ONE_SECRET}", managers(204), Action.SECRET_DELETE),
    Row(f"HEAD {CODE}", members(204)),
    Row(f"PUT {CODE}", members(201), Action.CODE_UPLOAD, content=NEW_ARCHIVE),
    Row(f"POST {IN_PROJECT}/plans", members(), json=CALL),
    Row(f"POST {IN_PROJECT}/plans/replay", members(), json=CALL | {"trace": TRACE}),
    Row(f"POST {IN_PROJECT}/offers", members(), json=CALL),
    Row(f"POST {IN_PROJECT}/runs", members(), Action.RUN_APPLY, json=CALL),
    Row("GET /runs", all_may()),
    Row(f"GET {IN_PROJECT}/runs", members()),
    Row(f"GET {ONE_RUN}", members()),
    Row(f"POST {ONE_RUN}/scale", members(), Action.RUN_SCALE, json={"replicas": 2}),
    Row(f"GET {ONE_RUN}/rollback", members()),
    Row(f"POST {ONE_RUN}/rollback", members(), Action.RUN_ROLLBACK, json={"to": 1}),
    Row(f"POST {ONE_RUN}/stop", members(), Action.RUN_STOP, json={}),
    Row(f"GET {ONE_RUN}/events", members()),
    Row(f"GET {ONE_RUN}/logs", members()),
    Row(f"GET {ONE_RUN}/metrics", members()),
    Row(f"GET {ONE_RUN}/decisions", members()),
    Row(f"GET {IN_PROJECT}/events", members()),
    Row("GET /audit", server_admins()),
    Row(f"GET {IN_PROJECT}/audit", admins()),
)
