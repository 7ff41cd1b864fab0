"""`why`, `events`: what runs decided."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.client import Client
from cli.connection import Connection
from cli.events import coming, event_line
from cli.explanation import explanation, in_words
from cli.terminal import UNBOUNDED
from spec.decision import Rejected, Rule
from spec.submission import DecisionView
from tests.cli.conftest import Perdure
from tests.cli.fake_server import LONG_AGO, TOKEN, FakeServer, decision, run
from tests.cli.screen import ROOT, drawn, shown_blocks

NOW = datetime(2026, 11, 29, 3, 20, tzinfo=UTC)
WHY_PAGE = "concepts/why.md"

EXPLAINED = (
    decision(
        7,
        at=datetime(2026, 11, 29, 3, 12, 4, tzinfo=UTC),
        rule=Rule.SCALED,
        outcome="From 1 to 3 replicas: more are needed.",
        inputs={"requests_per_second": "42.50", "busy_requests": "9", "needed_now": "3"},
    ),
    decision(
        6,
        at=datetime(2026, 11, 29, 2, 58, 10, tzinfo=UTC),
        rule=Rule.PLACED,
        outcome="Replica 0 goes to runpod/CA-MTL-1 at $0.22/h.",
        inputs={"resources": "18xCPU, 100GB, A5000:24GB:2", "of_revision": "2"},
        rejected=(
            Rejected(option="gcp/us-west4", why="there is no capacity for A5000:24GB:2 there"),
        ),
    ),
    decision(
        5,
        at=datetime(2026, 11, 28, 23, 40, 31, tzinfo=UTC),
        rule=Rule.APPLIED,
        outcome="Revision 2 was applied.",
        incarnation="life1",
    ),
)


@pytest.fixture(autouse=True)
def utc(in_zone: Callable[[str], None]) -> None:
    in_zone("UTC")


def asked(server: FakeServer) -> list[dict[str, str]]:
    return [query for _, query in server.decision_queries]


class TestWhy:
    def test_tells_what_the_page_shows(self) -> None:
        lines = drawn(explanation(EXPLAINED, NOW), width=80)
        assert shown_blocks("03:12:04  From", WHY_PAGE) == ["".join(f"{each}\n" for each in lines)]

    def test_keeps_facts_below_their_decision_on_short_lines(self) -> None:
        lines = drawn(explanation(EXPLAINED[1:2], NOW), width=40)
        assert max(map(len, lines)) <= 40
        assert lines[0] == "02:58:10  Replica 0 goes to"
        assert lines[-2:] == [
            "    not: gcp/us-west4, because there is",
            "    no capacity for A5000:24GB:2 there",
        ]

    def test_tells_where_another_life_begins(self) -> None:
        found = (decision(1, incarnation="life2"), decision(9, incarnation="life1"))
        lines = drawn(explanation(found, NOW), width=80)
        assert lines[1:4] == ["", "In the life before:", ""]
        assert lines[4].endswith("Scaled to 9 replicas.")

    def test_tells_everything_on_one_line_each_whatever_it_holds(self) -> None:
        found = (decision(outcome="a\nb\x1b[31m", inputs={"x\ny": "1\n2"}),)
        lines = drawn(explanation(found, NOW), width=UNBOUNDED)
        assert len(lines) == 2
        assert lines[1] == "    x y: 1 2"

    def test_a_pipe_gets_it_plainly_and_a_terminal_nothing_that_it_obeys(
        self, server: FakeServer, perdure: Perdure
    ) -> None:
        server.decisions = [decision(2, outcome="\x1b[31mred", inputs={"a": "b"}), decision(1)]
        said = perdure("why", "llm")
        assert (said.code, said.err) == (0, "")
        assert said.out == (
            "2026-01-01 00:02:00  \\u001b[31mred\n"
            "    a: b\n"
            "2026-01-01 00:01:00  Scaled to 1 replicas.\n"
        )

    def test_asks_for_so_many_and_up_to_a_time(self, server: FakeServer, perdure: Perdure) -> None:
        server.decisions = [decision(2), decision(1)]
        said = perdure("why", "llm", "-n", "1", "--at", "2026-01-01 00:02")
        assert said.out.splitlines() == ["2026-01-01 00:02:00  Scaled to 2 replicas."]
        perdure("why", "llm")
        assert asked(server) == [
            {"at": "2026-01-01T00:02:59.999999+00:00", "limit": "1"},
            {"limit": "10"},
        ]
        assert server.decision_queries[0][0] == "/runs/llm/decisions"

    def test_is_complete_for_programs(self, server: FakeServer, perdure: Perdure) -> None:
        server.decisions = [*EXPLAINED]
        told = json.loads(perdure("why", "llm", "--json").out)
        assert [DecisionView.model_validate(each) for each in told] == server.decisions
        server.decisions = []
        assert perdure("why", "llm", "--json").out == "[]\n"

    def test_where_nothing_is_known_says_so(self, server: FakeServer, perdure: Perdure) -> None:
        said = perdure("why", "llm")
        assert (said.code, said.out) == (0, "")
        assert said.err == (
            "Nothing is known of why the run llm is as it is: no decision is kept.\n"
        )
        said = perdure("why", "llm", "--at", "2026-01-01 00:02")
        assert said.err == "No decision of the run llm is known up to 2026-01-01 00:02:59.\n"


@pytest.mark.parametrize("command", ["why", "status", "events"])
class TestMistakes:
    def test_a_name_that_nobody_has_gets_the_nearest_one(
        self, server: FakeServer, perdure: Perdure, command: str
    ) -> None:
        server.runs = [run(name="web"), run(name="llama31")]
        said = perdure(command, "lama31")
        assert said.code == 3
        assert said.err == (
            "error: There is no run `lama31` in the project `main`. [not_found]\n"
            "hint: Did you mean `llama31`?\n"
        )
        assert perdure(command, "nobody").err.endswith("hint: Look again.\n")

    def test_a_time_that_is_none_is_wrong_usage(
        self, server: FakeServer, perdure: Perdure, command: str
    ) -> None:
        option = "--since" if command == "events" else "--at"
        said = perdure(command, "llm", option, "soon")
        assert said.code == 2
        assert said.err.startswith(
            "error: `soon` is no time. [invalid_input]\nhint: Write it as in"
        )


def test_the_page_has_every_rule() -> None:
    page = (ROOT / "docs" / WHY_PAGE).read_text()
    assert not [rule for rule in Rule if f"`{rule}`" not in page]


class TestEvents:
    def test_look_as_the_page_shows_them(self) -> None:
        newest, _, oldest = EXPLAINED
        other = oldest.model_copy(update={"run": "web"})
        lines = "".join(f"{event_line(each, NOW)}\n" for each in (other, newest))
        assert shown_blocks("2026-11-28") == [lines]

    def test_are_a_line_each_the_newest_last(self, server: FakeServer, perdure: Perdure) -> None:
        long = "Scaled to 1 replicas, " + "for a reason " * 20
        server.decisions = [decision(2, run="web"), decision(1, outcome=f"{long}\nmore")]
        said = perdure("events")
        assert said.out.splitlines() == [
            f"2026-01-01 00:01:00  llm: {long}more",
            "2026-01-01 00:02:00  web: Scaled to 2 replicas.",
        ]
        assert server.decision_queries == [("/events", {"limit": "100"})]

    def test_are_those_of_one_run_and_from_a_time_on(
        self, server: FakeServer, perdure: Perdure
    ) -> None:
        before = datetime.now(UTC)
        said = perdure("events", "llm", "--since", "1h", "-n", "5")
        ((where, query),) = server.decision_queries
        assert (where, query["limit"]) == ("/runs/llm/decisions", "5")
        begin = datetime.fromisoformat(query["since"]) + timedelta(hours=1)
        assert before <= begin <= datetime.now(UTC)
        assert said.err == "Nothing was decided by the run llm since then.\n"
        assert perdure("events").err == "Nothing was decided in the project main.\n"

    def test_are_complete_for_programs(self, server: FakeServer, perdure: Perdure) -> None:
        server.decisions = [decision(2), decision(1)]
        told = json.loads(perdure("events", "--json").out)
        assert [each["number"] for each in told] == [1, 2]

    def test_are_asked_for_in_pages(
        self, server: FakeServer, perdure: Perdure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cli.decisions.PAGE", 2)
        server.decisions = [decision(number) for number in range(5, 0, -1)]
        told = json.loads(perdure("events", "--json", "-n", "3").out)
        assert [each["id"] for each in told] == [3, 4, 5]
        assert asked(server) == [{"limit": "2"}, {"limit": "1", "before": "4"}]

    def test_that_come_are_told_once_each_in_their_order(
        self, server: FakeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cli.decisions.PAGE", 2)
        server.decisions = [decision(2), decision(1)]
        news = iter([[5, 4, 3], [], [6]])

        def sleep(_: float) -> None:
            server.decisions = [*map(decision, next(news)), *server.decisions]

        with Client(Connection("main", server.url, TOKEN)) as client:
            told = coming(client, None, since=LONG_AGO, limit=1, sleep=sleep)
            assert [each.number for each in itertools.islice(told, 5)] == [2, 3, 4, 5, 6]
        assert all(query["since"] == LONG_AGO.isoformat() for query in asked(server))

    def test_that_come_are_objects_in_a_line_each_for_programs(
        self, server: FakeServer, perdure: Perdure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.decisions = [decision(2), decision(1)]

        def interrupt(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("cli.events.patiently", interrupt)
        monkeypatch.setattr("cli.events.PAUSE", 0)
        said = perdure("events", "-f", "--json")
        assert said.code == 130
        told = [json.loads(line)["number"] for line in said.out.splitlines()]
        assert told == [1, 2]
        assert perdure("events", "-f").out.splitlines()[1].endswith("llm: Scaled to 2 replicas.")


@pytest.mark.parametrize(
    ("name", "said"),
    [("requests_per_second", "requests per second"), ("offers", "offers"), ("a\nb", "a b")],
)
def test_a_fact_is_named_in_words(name: str, said: str) -> None:
    assert in_words(name) == said
