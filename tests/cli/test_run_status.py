"""`status`: one run, now or as it was."""

import json
from collections.abc import Callable

import pytest

from spec.status import ReplicaPhase, RunPhase
from tests.cli.conftest import Perdure
from tests.cli.fake_server import URL, FakeServer, log_line, replica, run


@pytest.fixture(autouse=True)
def utc(in_zone: Callable[[str], None]) -> None:
    in_zone("UTC")


FAILED = run(
    RunPhase.FAILED,
    replica(status=ReplicaPhase.FAILED, ready=False, message="exited (5)", code="container_exited"),
    status_message="exited (5)",
)


def test_a_run_is_shown_with_its_replicas_and_addresses(
    server: FakeServer, perdure: Perdure
) -> None:
    said = perdure("status", "llm")
    assert (said.code, said.err) == (0, "")
    heading, row, below, blank, address = said.out.splitlines()
    assert heading.split()[0] == "NAME"
    assert row.split()[0] == "llm"
    assert below.split()[0] == "replica=0"
    assert (blank, address) == ("", f"llm  {URL}")


def test_one_that_failed_has_its_last_words(server: FakeServer, perdure: Perdure) -> None:
    server.runs, server.logs = [FAILED], [log_line(1, "boom")]
    said = perdure("status", "llm")
    assert said.out.endswith("\nllm, replica 0: [container_exited]\n  | boom\n")


def test_it_is_shown_as_it_was_and_without_the_log_of_now(
    server: FakeServer, perdure: Perdure
) -> None:
    server.past, server.logs = FAILED, [log_line(1, "boom")]
    said = perdure("status", "llm", "--at", "2026-01-02 03:12")
    assert said.err == "The run llm as it was at 2026-01-02 03:12:59:\n"
    assert "boom" not in said.out
    assert said.out.splitlines()[1].endswith("1 day ago")
    assert server.times_asked == ["2026-01-02T03:12:59.999999+00:00"]


def test_of_a_time_of_which_nothing_is_known_the_server_says_so(
    server: FakeServer, perdure: Perdure
) -> None:
    server.runs = [run(name="llm")]
    said = perdure("status", "llm", "--at", "2026-01-02")
    assert (said.code, said.out) == (3, "")
    assert "error: Nothing is known of the run `llm` at 2026-01-02" in said.err
    assert said.err.endswith("hint: Look again.\n")


def test_programs_get_an_object_with_the_fields_of_ps(server: FakeServer, perdure: Perdure) -> None:
    server.runs = [run(RunPhase.RUNNING, replica())]
    [listed] = json.loads(perdure("ps", "--json").out)
    assert json.loads(perdure("status", "llm", "--json").out) == listed
    server.past = run(RunPhase.PROVISIONING)
    said = perdure("status", "llm", "--at", "1h", "--json")
    assert (json.loads(said.out)["status"], said.err) == ("provisioning", "")
