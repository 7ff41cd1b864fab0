"""Deployments: what replicas are made of, and what becomes of the change from one to the next."""

from datetime import datetime

from spec.public import Model
from spec.run_spec import RunSpec


class Deployment(Model):
    """A specification that served, by the revision since which its replicas are the same."""

    revision: int
    spec: RunSpec


class Reverted(Model):
    """The deployment `revision` could not become ready: what served before it serves again.

    `code`, `detail` and `hint` are those of the error that its replica failed by.
    """

    revision: int
    at: datetime
    reason: str
    code: str = ""
    detail: str = ""
    hint: str = ""
