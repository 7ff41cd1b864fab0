"""The worker of a simulated world, and courses of steps that it carries out."""

from collections.abc import Callable, Generator

from tests.simulation.clock import Clock, Entry

Course = Generator[float, None, None]
"""Steps; between two of them so many seconds pass, and then the worker has to be there."""


class Worker:
    """While it is away nothing is decided; then all that came meanwhile is, in its order.

    `lives` tells its lives apart: what one has begun, the next does not go on with by itself.
    """

    def __init__(self, clock: Clock) -> None:
        self.away = False
        self.lives = 0
        self._clock = clock
        self._waiting: list[Callable[[], object]] = []

    def soon(self, what: Callable[[], object]) -> None:
        """Do this now, or when it is back."""
        if self.away:
            self._waiting.append(what)
        else:
            what()

    def leave(self, seconds: float) -> None:
        """It is killed, and started again after so many seconds."""
        if self.away:
            return
        self._clock.note("the worker is away for {:.0f} s", seconds)
        self.away = True
        self.lives += 1
        self._clock.after(seconds, self._come_back)

    def _come_back(self) -> None:
        self.away = False
        self._clock.note("the worker is back")
        waiting, self._waiting = self._waiting, []
        for what in waiting:
            what()


class Process:
    """Carries out a course, step by step; `interrupt` ends a pause by an error inside of it."""

    def __init__(self, clock: Clock, worker: Worker, course: Course) -> None:
        self._clock = clock
        self._worker = worker
        self._course = course
        self._turn = 0
        self._pause: Entry = clock.after(0, self._go)

    def interrupt(self, error: Exception) -> None:
        """What it waits for, it does not wait for any more."""
        self._pause.cancel()
        self._turn += 1
        turn = self._turn
        self._worker.soon(lambda: self._step(turn, error))

    def _go(self) -> None:
        turn = self._turn
        self._worker.soon(lambda: self._step(turn, None))

    def _step(self, turn: int, error: Exception | None) -> None:
        if turn != self._turn:
            return  # it was interrupted meanwhile
        self._turn += 1
        try:
            pause = next(self._course) if error is None else self._course.throw(error)
        except StopIteration:
            return
        self._pause = self._clock.after(pause, self._go)
