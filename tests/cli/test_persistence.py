"""An answer that was lost is asked for again, for a while; a server that never was there is not."""

import httpx
import pytest

from cli.persistence import PATIENCE, PAUSE, patiently, persist
from perdure.errors import NotFound, PerdureError, ServerUnreachable, Unavailable


class Script:
    """Outcomes in turn, the last one for ever, on a clock of its own."""

    def __init__(self, *outcomes: PerdureError | str) -> None:
        self.asked = 0
        self.now = 0.0
        self._outcomes = outcomes

    def ask(self) -> str:
        outcome = self._outcomes[min(self.asked, len(self._outcomes) - 1)]
        self.asked += 1
        if isinstance(outcome, PerdureError):
            raise outcome
        return outcome

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def play(self) -> str:
        return persist(self.ask, clock=lambda: self.now, sleep=self.sleep)

    def watch(self) -> str:
        return patiently(self.ask, clock=lambda: self.now, sleep=self.sleep)


def nobody() -> PerdureError:
    error = ServerUnreachable("No server answers.")
    error.__cause__ = httpx.ConnectError("refused")
    return error


def broken() -> PerdureError:
    error = ServerUnreachable("No server answers.")
    error.__cause__ = httpx.ReadError("reset")
    return error


def test_an_answer_is_returned() -> None:
    assert Script("ok").play() == "ok"


@pytest.mark.parametrize("lost", [broken(), Unavailable("The server answered 503.")])
def test_a_lost_answer_is_asked_for_again_while_the_server_restarts(lost: PerdureError) -> None:
    script = Script(lost, nobody(), nobody(), "ok")
    assert script.play() == "ok"
    assert (script.asked, script.now) == (4, 3 * PAUSE)


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    script = Script(nobody())
    with pytest.raises(ServerUnreachable):
        script.play()
    assert script.asked == 1


def test_what_the_server_refuses_is_not_asked_again() -> None:
    script = Script(NotFound("There is no run."))
    with pytest.raises(NotFound):
        script.play()
    assert script.asked == 1


def test_patience_is_bounded() -> None:
    script = Script(broken())
    with pytest.raises(ServerUnreachable):
        script.play()
    assert PATIENCE < script.now <= PATIENCE + 2 * PAUSE


def test_a_server_that_was_there_is_waited_for_even_when_nobody_answers() -> None:
    script = Script(nobody(), broken(), "done")
    assert script.watch() == "done"
    assert script.now == 2 * PAUSE


def test_who_watches_gives_up_after_a_while_and_at_once_where_the_answer_is_no() -> None:
    away = Script(nobody())
    with pytest.raises(ServerUnreachable):
        away.watch()
    assert PATIENCE < away.now <= PATIENCE + 2 * PAUSE
    with pytest.raises(NotFound):
        Script(NotFound("There is no run.")).watch()
