"""The bases of all values: sealed by default, public by declaration."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value. It grows only by fields with defaults: old histories must still load.

    Errors do not quote what was given: it may be a secret.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class PublicModel(Model):
    """A value that Temporal's database, its UI and the proxies may read: no user's secret in it."""


class PublicStr(str):
    """A summary, timer name or detail that is left readable in the Temporal UI."""

    __slots__ = ()
