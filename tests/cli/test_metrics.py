"""`metrics`: the numbers of a run, now or kept up to date."""

import json
from pathlib import Path

import pytest

from cli.run_metrics import metrics_table
from policy.run_metrics import NO_PROXY
from spec.run_metrics import RunMetrics
from spec.status import RunPhase
from tests.cli.conftest import Perdure
from tests.cli.fake_server import FakeServer, metrics, run
from tests.cli.screen import CTRL_C, drawn, shown_blocks, terminal

DONE = metrics(status=RunPhase.DONE, replicas=(), desired=0, ready=0)
UNKNOWN = metrics(
    requests_per_second_1m=None,
    requests_per_second_5m=None,
    in_flight=None,
    held=None,
    finished=None,
    cold_start=None,
    cost_per_hour=None,
    replicas=(),
    proxies=0,
    note=NO_PROXY,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.run_metrics.REFRESH", 0.01)


def test_the_table_is_as_the_page_shows_it(server: FakeServer, perdure: Perdure) -> None:
    said = perdure("metrics", "llm")
    assert (said.code, said.err) == (0, "")
    assert shown_blocks(" Run         llm") == [said.out]


@pytest.mark.parametrize("width", [30, 40, 80])
def test_short_lines_leave_columns_out(width: int) -> None:
    lines = drawn(metrics_table(metrics()), width=width)
    assert max(map(len, lines)) <= width
    assert ("PRICE" in "".join(lines)) is (width == 80)
    assert "IN FLIGHT" in "".join(lines)


def test_what_is_not_known_is_a_dash_and_said(server: FakeServer, perdure: Perdure) -> None:
    server.metrics = [UNKNOWN]
    said = perdure("metrics", "llm")
    assert said.code == 0
    assert [line.split()[-1] for line in said.out.splitlines()] == [
        *("llm", "running", "-", "-", "-", "ready", "-", "-")
    ]
    assert said.err == f"warning: {NO_PROXY}\n"


def test_programs_get_one_object(server: FakeServer, perdure: Perdure) -> None:
    said = perdure("metrics", "llm", "--json")
    assert RunMetrics.model_validate_json(said.out) == metrics()
    server.metrics = [UNKNOWN]
    told = json.loads(perdure("metrics", "llm", "--json").out)
    assert (told["held"], told["note"]) == (None, NO_PROXY)


def test_who_watches_gets_each_until_the_run_has_ended(
    server: FakeServer, perdure: Perdure
) -> None:
    server.metrics = [metrics(held=3), metrics(held=4), UNKNOWN, DONE]
    said = perdure("metrics", "llm", "-w")
    assert (said.code, said.err) == (0, "")
    flights = [line for line in said.out.splitlines() if "In flight" in line]
    assert [line.split()[-1] for line in flights] == ["3", "4", "-", "2"]
    assert said.out.count(f"warning: {NO_PROXY}\n") == 1


def test_programs_that_watch_get_a_line_each_time(server: FakeServer, perdure: Perdure) -> None:
    server.metrics = [metrics(held=3), metrics(held=4), DONE]
    lines = perdure("metrics", "llm", "-w", "--json").out.splitlines()
    assert [json.loads(line)["held"] for line in lines] == [3, 4, 2]
    assert RunMetrics.model_validate_json(lines[-1]) == DONE


@pytest.mark.parametrize("options", [(), ("--json",), ("-w",)])
def test_an_unknown_run_is_not_found_and_the_nearest_is_named(
    server: FakeServer, perdure: Perdure, options: tuple[str, ...]
) -> None:
    server.runs = [run(name="llm")]
    said = perdure("metrics", "lln", *options)
    assert (said.code, said.out) == (3, "")
    assert "error: There is no run `lln` in the project `main`. [not_found]" in said.err
    assert "`llm`" in said.err


def test_a_terminal_has_one_picture_until_ctrl_c(workplace: Path, server: FakeServer) -> None:
    with terminal("metrics", "llm", "-w", cwd=workplace) as screen:
        screen.wait_for("held 2")
        server.metrics = [metrics(held=9)]
        screen.wait_for("held 9")
        screen.type(CTRL_C)
        assert screen.exit_code() == 130
