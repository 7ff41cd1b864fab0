"""Plain processes that sleep and wake, change, and go back; and what is told of that."""

import json
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest

from spec.decision import Rule
from tests.e2e.installation import Installation, service
from tests.e2e.programs import HELLO, busy, program
from tests.e2e.steady import Steady
from tests.e2e.views import is_asleep, is_empty, serves
from tests.ports import free_port
from tests.testbed.deadline import wait_until

LATER = {"metric": "in_flight", "target": 5}
SOON = {**LATER, "scale_down_delay": 10}
BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}


def url(place: Installation, name: str) -> str:
    return f"{place.url}/proxy/services/main/{name}/"


def begin(place: Installation, folder: Path, port: int, source: str, **properties: object) -> None:
    """Apply, detached."""
    service(folder, port, program(source, port), **properties)
    place.perdure("apply", "-y", "-d", folder=folder)


def update(place: Installation, folder: Path, port: int, source: str) -> "CompletedProcess[str]":
    """Apply another version, and stay until it serves, or is undone."""
    service(folder, port, program(source, port))
    return place.run("apply", "-y", folder=folder)


def asked(place: Installation, name: str, **headers: str) -> httpx.Response:
    """The answer to one request, which may wait for a replica."""
    with place.client() as client:
        return client.get(url(place, name), headers=headers, timeout=90)


def until_kept(place: Installation, name: str, rule: Rule) -> None:
    """Wait until a decision by this rule can be told."""
    wait_until(
        lambda: rule in [each["rule"] for each in place.decisions(name)],
        f"{rule} is kept",
    )


def test_a_service_sleeps_when_nobody_asks_and_the_first_request_waits_for_it(
    running: Installation, tmp_path: Path
) -> None:
    name = "sleeper"
    begin(running, tmp_path / name, free_port(), HELLO, replicas="0..1", scaling=SOON)
    run = running.until(name, is_asleep, "sleeps")
    assert (run["status"], run["status_message"]) == ("pending", "waiting for requests")
    assert "waiting for requests" in running.perdure("ps")
    answer = asked(running, name)
    assert (answer.status_code, answer.text) == (200, "hello from sleeper at /")
    assert running.until_ready(name)["status_message"] == "running"
    running.perdure("stop", "-y", name)
    outcomes = [each["outcome"] for each in running.decisions(name)]
    assert "From 1 to 0 replicas: fewer were enough for the whole delay." in outcomes
    assert sum("somebody asks, and there are none" in outcome for outcome in outcomes) == 1


@pytest.mark.long
def test_a_number_set_by_hand_counts_until_it_is_taken_back(
    running: Installation, tmp_path: Path
) -> None:
    name = "by-hand"
    begin(running, tmp_path / name, free_port(), HELLO, replicas="0..1", scaling=LATER)
    running.until_ready(name)
    done = running.run("scale", name, "0")
    assert done.returncode == 0, done.stderr
    assert (
        "The replicas of by-hand are set to 0. `perdure scale by-hand --auto` takes" in done.stderr
    )
    running.until(name, is_empty, "has none")
    assert "(set to 0)" in running.perdure("ps")
    refused = asked(running, name)
    assert (refused.status_code, refused.json()["code"]) == (503, "no_replica")
    done = running.run("scale", name, "--auto")
    assert done.returncode == 0, done.stderr
    assert "from its configuration again: 0 replicas are wanted now." in done.stderr
    done = running.run("scale", name, "2")
    assert done.returncode == 1
    assert "Too many replicas, 2: each would need the same port of this machine." in done.stderr
    assert asked(running, name).status_code == 200
    running.perdure("stop", "-y", name)


@pytest.mark.long
def test_a_browser_is_shown_a_page_that_waits(running: Installation, tmp_path: Path) -> None:
    name = "page"
    begin(running, tmp_path / name, free_port(), HELLO, replicas="0..1", scaling=LATER)
    running.scale(name, 0)
    running.until(name, is_empty, "has none")
    running.scale(name, None)
    running.until(name, is_asleep, "sleeps")
    waits = asked(running, name, **BROWSER)
    assert waits.status_code == 503
    assert waits.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>page is starting</title>" in waits.text
    assert int(waits.headers["retry-after"]) > 0
    wait_until(
        lambda: asked(running, name, **BROWSER).status_code == 200,
        "it is awake",
        60,
    )
    assert asked(running, name, **BROWSER).text == "hello from page at /"
    running.perdure("stop", "-y", name)


@pytest.mark.long
def test_requests_wait_while_a_plain_process_is_updated_and_rolled_back(
    running: Installation, tmp_path: Path
) -> None:
    name, port = "changes", free_port()
    folder = tmp_path / name
    begin(running, folder, port, busy("one"))
    running.until_ready(name)
    with Steady(url(running, name), running.token, clients=4, rate=20) as load:
        load.go_on(20)
        done = update(running, folder, port, busy("two"))
        assert done.returncode == 0, done.stderr
        assert "The run changes is updated: revision 2 serves, 1 replica." in done.stderr
        load.go_on(20)
        done = running.run("rollback", "-y", name)
        assert done.returncode == 0, done.stderr
        assert " ".join(done.stdout.split()).startswith(
            "Project main Run changes Back to revision 1"
        )
        assert "The run changes is updated: revision 3 serves, 1 replica." in done.stderr
        load.go_on(20)
    assert (load.failed, load.wrong) == (0, [])
    assert set(load.said) == {"one", "two"}
    assert asked(running, name).text == "one"
    running.until(name, lambda run: serves(run, 1, 3), "has one replica")
    running.perdure("stop", "-y", name)


def test_an_update_that_cannot_serve_is_undone_and_tells_why(
    running: Installation, tmp_path: Path
) -> None:
    name, port = "undone", free_port()
    folder = tmp_path / name
    begin(running, folder, port, busy("one"))
    running.until_ready(name)
    done = update(running, folder, port, "raise SystemExit(3)")
    assert done.returncode == 1
    assert (
        "error: The update of `undone` to revision 2 was undone: container exited with an error. "
        "[container_exited]\n" in done.stderr
    )
    running.until(name, lambda run: serves(run, 1, 1), "has its old one again")
    assert asked(running, name).text == "one"
    assert "(revision 2 undone)" in running.perdure("ps")
    until_kept(running, name, Rule.REVERTED)
    why = running.perdure("why", name)
    assert "Revision 2 could not become ready: revision 1 serves again." in why
    assert "reason: container exited with an error" in why
    assert "exit code: 3" in why
    nothing = running.run("rollback", "-y", name)
    assert nothing.returncode == 1
    assert "The run `undone` has nothing to go back to." in nothing.stderr
    running.perdure("stop", "-y", name)


@pytest.mark.long
def test_a_run_is_over_when_its_time_is(running: Installation, tmp_path: Path) -> None:
    name = "short"
    begin(running, tmp_path / name, free_port(), HELLO, max_duration=2)
    run = running.until(name, lambda run: run["status"] == "terminated", "is over")
    assert run["status_message"] == "max duration"
    until_kept(running, name, Rule.STOPPED)
    assert "It stops: its `max_duration` of 2s is over." in running.perdure("why", name)


@pytest.mark.long
def test_what_a_run_decided_and_how_it_was_can_be_asked_for_later(
    running: Installation, tmp_path: Path
) -> None:
    name = "told"
    begin(running, tmp_path / name, free_port(), HELLO)
    running.until_ready(name)
    wait_until(lambda: was(running, name) == "running", "how it is, is kept")
    then = datetime.now(UTC).isoformat()
    running.perdure("stop", "-y", name)
    now = running.perdure("status", name)
    done = running.run("status", name, "--at", then)
    assert done.stderr.startswith("The run told as it was at ")
    assert ("stopped" in now, "stopped" in done.stdout) == (True, False)
    assert ("running" in now, "running" in done.stdout) == (False, True)
    told = running.perdure("events", name).splitlines()
    assert told[0].endswith("  told: Revision 1 was applied.")
    assert any(line.endswith("somebody stopped it.") for line in told)
    assert told[-1].endswith("  told: Replica 0 is gone: stopped by user.")
    everybody = json.loads(running.perdure("events", "--since", "1h", "--json"))
    assert name in {each["run"] for each in everybody}
    why = running.perdure("why", name, "--at", then)
    assert ("Revision 1 was applied." in why, "somebody stopped it" in why) == (True, False)
    earlier = running.run("status", name, "--at", "2020-01-01 00:00")
    assert earlier.returncode == 3
    assert "What is known of it begins at " in earlier.stderr


def was(place: Installation, name: str) -> str:
    """The status of a run now, as what is kept of it has it."""
    with place.client() as client:
        where = f"/api/v1/projects/main/runs/{name}"
        answer = client.get(where, params={"at": datetime.now(UTC).isoformat()})
        return str(answer.json()["status"]) if answer.is_success else ""
