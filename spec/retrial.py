"""What a run remembers of a replica that failed and is tried again."""

from datetime import datetime

from spec.public import PublicModel
from spec.retry import RetryEvent


class Retrial(PublicModel):
    """The replica of slot `num` failed and is tried for the `attempt`th time again, at `at`.

    The window counts from `since`, when it failed first; `event` is what it failed by then.
    """

    num: int
    event: RetryEvent
    since: datetime
    attempt: int
    at: datetime
