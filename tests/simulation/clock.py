"""The clock of a simulated world: events in the order of their times, and nothing in between."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""

REMEMBERED = 60
"""Lines of the journal that a failure is told with."""


class Entry:
    """What will happen at a time, unless it is cancelled."""

    __slots__ = ("what",)

    def __init__(self, what: Callable[[], object]) -> None:
        self.what: Callable[[], object] | None = what

    def cancel(self) -> None:
        """It will not happen."""
        self.what = None


class Clock:
    """Times are whole milliseconds since the beginning; of equal ones the first set comes first."""

    def __init__(self) -> None:
        self.now = 0
        self.events = 0
        self._queue: list[tuple[int, int, Entry]] = []
        self._count = 0
        self._journal: deque[tuple[int, str, tuple[object, ...]]] = deque(maxlen=REMEMBERED)

    @property
    def moment(self) -> datetime:
        """Now, as decisions want it."""
        return self.moment_of(self.now)

    def moment_of(self, when: int) -> datetime:
        """The time of so many milliseconds since the beginning."""
        return BEGINNING + timedelta(milliseconds=when)

    def at(self, when: int, what: Callable[[], object]) -> Entry:
        """Let this happen then; what is past happens next."""
        entry = Entry(what)
        self._count += 1
        heappush(self._queue, (max(when, self.now), self._count, entry))
        return entry

    def after(self, seconds: float, what: Callable[[], object]) -> Entry:
        """Let this happen in so many seconds."""
        return self.at(self.now + round(seconds * 1000), what)

    def at_moment(self, moment: datetime, what: Callable[[], object]) -> Entry:
        """Let this happen at the first millisecond that is not before `moment`."""
        since = moment - BEGINNING
        return self.at(-(-since // timedelta(milliseconds=1)), what)

    def run(self, seconds: float) -> None:
        """Let everything happen until so many seconds from now."""
        end = self.now + round(seconds * 1000)
        queue = self._queue
        while queue and queue[0][0] <= end:
            when, _, entry = heappop(queue)
            if entry.what is not None:
                self.now = when
                self.events += 1
                entry.what()
        self.now = end

    def note(self, text: str, *facts: object) -> None:
        """A line of the journal; it is made only when somebody reads it."""
        self._journal.append((self.now, text, facts))

    def journal(self) -> str:
        """The last lines, the oldest first."""
        return "\n".join(
            f"{told(when)}  {text.format(*facts)}" for when, text, facts in self._journal
        )


def told(milliseconds: int) -> str:
    """A time as people read it: `2d 03:04:05.678`."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"{day}d {hour:02}:{minute:02}:{second:02}.{rest:03}"
