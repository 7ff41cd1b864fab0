"""Log entries, as a runtime yields them and the store keeps them."""

from enum import StrEnum

from spec.public import Model


class LogStream(StrEnum):
    """Which of the two outputs an entry came from."""

    STDOUT = "stdout"
    STDERR = "stderr"


class LogEntry(Model):
    """One line, or a piece of a long one (`partial`: the line goes on in the next entry).

    `at` is in nanoseconds since the epoch. Bytes stay bytes: a piece may end inside a character.
    """

    at: int
    stream: LogStream
    text: bytes
    partial: bool = False


class LogBatch(Model):
    """Entries in order, and the cursor to ask from next: both are stored in one transaction.

    The cursor is the runtime's own, opaque to everybody else.
    """

    entries: tuple[LogEntry, ...]
    cursor: str
