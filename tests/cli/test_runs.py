"""`ps`, `logs`: runs that there are."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.printed_logs import beginning
from cli.run_table import FAILING, mark, run_table
from cli.terminal import UNBOUNDED
from perdure.client_config import KnownProject, KnownProjects, save
from spec.status import Health, ReplicaPhase, RunPhase
from tests.cli.conftest import Perdure
from tests.cli.fake_server import LONG_AGO, URL, FakeServer, log_line, replica, run
from tests.cli.screen import drawn, shown_blocks

NOT_CREATED = run(
    RunPhase.FAILED,
    replica(
        status=ReplicaPhase.FAILED,
        ready=False,
        message="container could not be created: Port 8107 is in use.",
    ),
    status_message="container could not be created",
)
NOW = LONG_AGO + timedelta(minutes=5)

CLOUD: dict[str, Any] = {
    "backend": "runpod",
    "region": "CA-MTL-1",
    "resources": "18xCPU, 100GB, A5000:24GB:2",
    "price": 0.22,
}
FLEET = [
    run(RunPhase.RUNNING, replica(**CLOUD), name="llama31"),
    run(
        RunPhase.RUNNING,
        replica(0),
        replica(1, ready=False),
        replica(2, status=ReplicaPhase.FAILED, ready=False, message="exited (1)"),
        name="web",
        status_message="1/3 ready; exited (1)",
    ),
    run(RunPhase.SUBMITTED, name="new"),
]


def test_the_table_fits_a_terminal_of_80_columns_as_the_page_shows_it() -> None:
    lines = drawn(run_table(FLEET, NOW), width=80)
    assert shown_blocks("NAME ") == ["".join(f"{line}\n" for line in lines)]
    assert max(map(len, lines)) <= 80


def test_a_pipe_gets_each_run_on_one_line() -> None:
    lines = drawn(run_table(FLEET, NOW), width=UNBOUNDED)
    assert len(lines) == 7
    assert re.split(" {2,}", lines[1]) == [
        *("llama31", "runpod", "18xCPU, 100GB, A5000:24GB:2", "$0.22", "running", "5 mins ago")
    ]


@pytest.mark.parametrize(
    ("prices", "shown"), [((0.25, 1.0), "$1.25"), ((0.25, None), "-"), ((None, None), "-")]
)
def test_the_price_of_a_run_is_that_of_all_its_replicas_or_unknown(
    prices: tuple[float | None, ...], shown: str
) -> None:
    replicas = [replica(num, **(CLOUD | {"price": price})) for num, price in enumerate(prices)]
    lines = drawn(run_table([run(RunPhase.RUNNING, *replicas)], NOW), width=UNBOUNDED)
    assert re.split(" {2,}", lines[1])[1] == shown


def test_verbose_shows_even_a_single_replica_and_its_region() -> None:
    lines = drawn(run_table(FLEET[:1], NOW, verbose=True), width=UNBOUNDED)
    assert lines[2].startswith("  replica=0  runpod (CA-MTL-1)  18xCPU")


def test_a_run_that_failed_says_why_in_full() -> None:
    lines = drawn(run_table([NOT_CREATED], NOW), width=UNBOUNDED)
    assert "  container could not be created: Port 8107 is in use.  " in lines[1]
    below = drawn(run_table([NOT_CREATED], NOW, verbose=True), width=UNBOUNDED)
    assert "  container could not be created  " in below[1]
    assert below[2].endswith(f"  {FAILING} container could not be created: Port 8107 is in use.")


def test_a_long_reason_is_cut_and_told_by_verbose() -> None:
    message = "image pull failed: " + "The registry refuses. " * 10
    failed = replica(status=ReplicaPhase.FAILED, ready=False, message=message)
    found = run(RunPhase.FAILED, failed, status_message="image pull failed")
    assert "registry refuses. The …  5 mins" in drawn(run_table([found], NOW), width=UNBOUNDED)[1]
    told = drawn(run_table([found], NOW, verbose=True), width=UNBOUNDED)[2]
    assert told.count("refuses.") == 10


@pytest.mark.parametrize("width", [40, 60, 80])
def test_short_lines_leave_columns_out_and_break_no_word(width: int) -> None:
    [failed] = NOT_CREATED.replicas
    found = run(RunPhase.FAILED, failed, failed.model_copy(update={"num": 1}), name="llama31")
    for verbose in (False, True):
        lines = drawn(run_table([found], NOW, verbose=verbose), width=width)
        assert max(map(len, lines)) <= width
        shown = " ".join(word for line in lines for word in line.split())
        for word in ("container", "created:", "8107", "replica=0", "llama31"):
            assert f" {word} " in f" {shown} "
        assert ("SUBMITTED" in lines[0]) is (width == 80)


def test_verbose_tells_the_addresses_of_what_lives_in_lines_that_can_be_copied() -> None:
    living = run(
        name="llama31", model="llama", model_url="http://localhost:3000/proxy/models/main/"
    )
    lines = drawn(run_table([living, NOT_CREATED], NOW, verbose=True), width=40)
    assert lines[-2:] == [f"llama31  {URL}", f"llama31  {living.model_url}  llama"]
    assert not any(URL in line for line in drawn(run_table([living], NOW), width=80))


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ({}, "✓"),
        ({"ready": False}, "~"),
        ({"ready": False, "health": Health.STARTING}, "~"),
        ({"ready": False, "health": Health.UNHEALTHY}, FAILING),
        (
            {
                "ready": False,
                "health": Health.UNHEALTHY,
                "status": ReplicaPhase.DRAINING,
            },
            "-",
        ),
        ({"ready": False, "status": ReplicaPhase.FAILED}, FAILING),
        ({"ready": False, "status": ReplicaPhase.DRAINING}, "-"),
        ({"ready": False, "status": ReplicaPhase.TERMINATED}, "-"),
    ],
)
def test_a_mark_tells_how_a_replica_is(properties: dict[str, Any], shown: str) -> None:
    assert mark(replica(**properties)) == shown


def test_ps_prints_plainly_into_a_pipe(server: FakeServer, perdure: Perdure) -> None:
    server.runs = FLEET
    said = perdure("ps")
    assert said.code == 0
    assert "\x1b" not in said.out
    assert [line.split()[0] for line in said.out.splitlines()] == [
        *("NAME", "llama31", "web", "replica=0", "replica=1", "replica=2", "new")
    ]
    assert all(line == line.rstrip() for line in said.out.splitlines())


def test_ps_json_has_exactly_the_promised_fields(server: FakeServer, perdure: Perdure) -> None:
    server.runs = [run(RunPhase.RUNNING, replica(**CLOUD))]
    assert json.loads(perdure("ps", "--json").out) == [
        {
            "name": "llm",
            "project": "main",
            "status": "running",
            "status_message": "running",
            "submitted_at": "2026-01-01T00:00:00Z",
            "url": URL,
            "model_url": None,
            "replicas": [
                {
                    "num": 0,
                    "status": "running",
                    "deployment": 1,
                    "backend": "runpod",
                    "region": "CA-MTL-1",
                    "price": 0.22,
                    "ready": True,
                }
            ],
        }
    ]


def test_no_runs_are_an_empty_array_and_a_sentence_for_people(
    server: FakeServer, perdure: Perdure
) -> None:
    assert perdure("ps", "--json").out == "[]\n"
    assert perdure("ps").err == "No runs in the project main now.\n"


def test_verbose_tells_the_last_words_of_what_failed_cut_where_they_are_long(
    server: FakeServer, perdure: Perdure
) -> None:
    told: dict[str, Any] = {"status": ReplicaPhase.FAILED, "ready": False, "message": "exited (5)"}
    failed = replica(code="container_exited", hint="Look there.", **told)
    server.runs = [run(RunPhase.FAILED, failed, status_message="exited (5)")]
    server.logs = [log_line(1, "a\x1b[31m"), log_line(2, "x" * 1000)]
    shown = perdure("ps", "-a", "-v").out
    assert shown.endswith(
        "\nllm, replica 0: [container_exited]\n"
        "  | a\\u001b[31m\n"
        f"  | {'x' * 500}\n"
        "  hint: Look there.\n"
    )
    assert server.log_queries == [{"replica": "0", "tail": "5"}]
    assert "llm, replica 0" not in perdure("ps", "-a").out


def test_logs_keep_stdout_and_stderr_apart(server: FakeServer, perdure: Perdure) -> None:
    server.logs = [log_line(1, "one"), log_line(2, "two", "stderr"), log_line(3, "[3] ü")]
    said = perdure("logs", "llm")
    assert (said.code, said.out, said.err) == (0, "one\n[3] ü\n", "two\n")


def test_logs_ask_for_a_replica_and_a_time(server: FakeServer, perdure: Perdure) -> None:
    said = perdure("logs", "llm", "--replica", "0", "--since", "2026-01-01")
    [asked] = server.log_queries
    assert (asked["replica"], asked["since"]) == ("0", "2026-01-01")
    assert said.err == "The replica 0 of the run llm has no log of that time.\n"


def test_a_time_ago_is_counted_once_from_when_it_was_said() -> None:
    assert beginning("90s", LONG_AGO) == "2025-12-31T23:58:30+00:00"
    assert beginning("yesterday", LONG_AGO) == "yesterday"
    assert beginning("999999999w", LONG_AGO) == "999999999w"


@pytest.mark.parametrize("cut_after", [0, 2])
def test_a_break_does_not_move_the_time_from_which_logs_are_followed(
    server: FakeServer, perdure: Perdure, cut_after: int
) -> None:
    server.logs = [log_line(number, f"line {number}") for number in range(1, 4)]
    server.cut_after = cut_after
    server.held.set()
    said = perdure("logs", "-f", "llm", "--since", "1s")
    assert said.out == "line 1\nline 2\nline 3\n"
    first, second = server.log_queries
    assert first["since"] == second["since"] != "1s"


@pytest.mark.parametrize("more", [(), ("-f",)])
def test_logs_of_no_such_replica_are_not_found(
    server: FakeServer, perdure: Perdure, more: tuple[str, ...]
) -> None:
    server.held.set()
    said = perdure("logs", "llm", "--replica", "5", *more)
    assert said.code == 3
    assert said.err == (
        "error: The run `llm` has no replica 5. [not_found]\nhint: It has the replica 0.\n"
    )


@pytest.mark.parametrize("more", [(), ("-f",)])
def test_where_there_is_no_log_it_says_why(
    server: FakeServer, perdure: Perdure, more: tuple[str, ...]
) -> None:
    server.held.set()
    server.runs = [NOT_CREATED]
    said = perdure("logs", "llm", *more)
    assert (said.code, said.out) == (0, "")
    assert said.err == (
        "The run llm has no log: container could not be created: Port 8107 is in use.\n"
    )
    server.runs = []
    assert perdure("logs", "llm").err == "The run llm has no log yet: running.\n"


def test_followed_logs_survive_a_break_without_losing_or_repeating_a_line(
    server: FakeServer, perdure: Perdure
) -> None:
    server.logs = [log_line(number, f"line {number}") for number in range(1, 6)]
    server.cut_after = 2
    server.held.set()
    said = perdure("logs", "-f", "llm")
    assert said.out == "".join(f"line {number}\n" for number in range(1, 6))
    assert [asked.get("after") for asked in server.log_queries] == [None, "2"]


def test_a_wrong_token_is_told_by_where_it_came_from(
    server: FakeServer, perdure: Perdure, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("PERDURE_TOKEN", "wrong")
    said = perdure("ps")
    assert said.code == 4
    assert said.err == (
        f"error: The token in `PERDURE_TOKEN` is not valid at {server.url}. [unauthenticated]\n"
        "hint: Set another one, or unset `PERDURE_TOKEN` to use that of the client's "
        "configuration.\n"
    )
    monkeypatch.delenv("PERDURE_TOKEN")
    known = KnownProject(name="main", url=server.url, token="old")
    save(KnownProjects(projects=(known,)), home / ".perdure" / "config.yml")
    for command in (["ps"], ["logs", "-f", "llm"]):
        said = perdure(*command)
        assert said.code == 4
        assert f"The token for the project `main` is not valid at {server.url}." in said.err
        assert f"hint: `perdure project add --name main --url {server.url}` takes" in said.err
