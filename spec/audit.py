"""The audit log: who did what, to what, when, and how it ended. Never a value in it."""

from datetime import datetime
from enum import StrEnum

from spec.public import Model


class Action(StrEnum):
    """What was done, or tried."""

    USER_CREATE = "user.create"
    USER_ROLE = "user.role"
    USER_DELETE = "user.delete"
    TOKEN_CREATE = "token.create"  # noqa: S105 - a name
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    PROJECT_CREATE = "project.create"
    PROJECT_DELETE = "project.delete"
    MEMBER_SET = "member.set"
    MEMBER_REMOVE = "member.remove"
    SECRET_SET = "secret.set"  # noqa: S105
    SECRET_DELETE = "secret.delete"  # noqa: S105
    KEY_ROTATE = "key.rotate"
    KEY_FORGET = "key.forget"
    CODE_UPLOAD = "code.upload"
    RUN_APPLY = "run.apply"
    RUN_ROLLBACK = "run.rollback"
    RUN_SCALE = "run.scale"
    RUN_STOP = "run.stop"
    UI_SIGN_IN = "ui.sign-in"
    PAYLOAD_DECODE = "payload.decode"
    REQUEST_REFUSED = "request.refused"


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"


class AuditEvent(Model):
    """`user`, with the token of that id, did `action` to `subject`.

    `user` and `token` are empty where nobody was known, as at a sign-in that failed; `project` is
    the one that it concerns, None for what is the whole server's.
    """

    id: int
    at: datetime
    user: str
    token: str
    action: Action
    project: str | None
    subject: str
    outcome: Outcome
