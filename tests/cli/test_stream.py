"""Following a stream past breaks, within a bounded patience."""

import httpx
import pytest

from cli.client import Client
from cli.connection import Connection
from cli.stream import follow
from perdure.errors import NotFound, ServerUnreachable, Unavailable

CONNECTION = Connection("main", "http://server", "token")


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Script:
    """Answers, one for each request: a body, a status, or a broken line."""

    def __init__(self, *answers: str | int | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(dict(request.url.params))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            return httpx.Response(answer)
        return httpx.Response(200, text=answer, headers={"content-type": "text/event-stream"})


def event(number: int) -> str:
    return f"id: {number}\nevent: log\ndata: {number}\n\n"


def followed(script: Script, count: int, patience: float = 60.0) -> tuple[list[str], list[str]]:
    """The data of the first `count` events, and what was said meanwhile."""
    clock, said = Clock(), list[str]()
    with Client(CONNECTION, transport=httpx.MockTransport(script)) as client:
        events = follow(
            client,
            "/logs",
            {"since": "1h"},
            say=said.append,
            patience=patience,
            clock=clock,
            sleep=clock.sleep,
        )
        return [next(events).data for _ in range(count)], said


def test_it_asks_for_what_comes_after_the_last_event() -> None:
    script = Script(event(1) + event(2), httpx.ReadError("reset"), event(3))
    assert followed(script, 3)[0] == ["1", "2", "3"]
    assert [asked.get("after") for asked in script.asked] == [None, "2", "2"]
    assert {asked["since"] for asked in script.asked} == {"1h"}


def test_it_says_once_that_the_server_is_away_and_once_that_it_is_back() -> None:
    script = Script(event(1), *[httpx.ConnectError("refused")] * 5, 502, event(2))
    data, said = followed(script, 2)
    assert data == ["1", "2"]
    assert said == ["The server does not answer; trying again …", "The server is back."]


def test_a_short_break_is_not_worth_a_word() -> None:
    assert followed(Script(event(1), event(2)), 2)[1] == []


def test_patience_is_bounded() -> None:
    script = Script(event(1), httpx.ConnectError("refused"))
    with pytest.raises(ServerUnreachable):
        followed(script, 2, patience=30.0)
    assert 15 <= len(script.asked) <= 25


def test_a_server_that_ends_the_stream_again_and_again_is_given_up() -> None:
    with pytest.raises(Unavailable, match="ends the stream again and again"):
        followed(Script(""), 1, patience=30.0)


def test_what_the_server_refuses_is_not_asked_again() -> None:
    script = Script(404)
    with pytest.raises(NotFound):
        followed(script, 1)
    assert len(script.asked) == 1
