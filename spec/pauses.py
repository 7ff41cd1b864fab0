"""How long a run waits before it does something again.

A run carries its own from its start on: they may change from version to version without a run that
lives, and is replayed, doing other things than it did.
"""

from spec.public import PublicModel


class Pauses(PublicModel):
    """In seconds.

    `retry` before the first try of a replica that failed, the second, and so on; the last stays.
    After `healthy` of being ready a failure is a new one. For `unfilled` no replica is added after
    one that was to be added has failed.
    """

    retry: tuple[int, ...] = (15, 30, 60, 120, 300, 600)
    healthy: int = 600
    unfilled: int = 300
