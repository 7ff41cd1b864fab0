"""What a person meets: the question, the live picture, and Ctrl-C."""

from pathlib import Path

import pytest

from spec.offer import Refusal
from spec.status import ReplicaPhase, RunPhase
from tests.cli.conftest import SERVICE
from tests.cli.fake_server import DONE, READY, STARTING, FakeServer, log_line, plan, replica, run
from tests.cli.screen import CTRL_C, CTRL_D, Terminal, terminal

APPLY = ("apply", "-f", "service.dstack.yml")


@pytest.fixture
def place(workplace: Path) -> Path:
    (workplace / "service.dstack.yml").write_text(SERVICE)
    return workplace


def follow_until_logs(screen: Terminal) -> None:
    screen.wait_for("Submit the run llm? [y/n]: ")
    screen.type("y\n")
    screen.wait_for("Service is published at:")
    screen.wait_for("hello")


def test_the_question_wants_a_yes_or_a_no(place: Path, server: FakeServer) -> None:
    with terminal(*APPLY, cwd=place) as screen:
        screen.wait_for("Submit the run llm? [y/n]: ")
        screen.type("what\n")
        screen.wait_for("Submit the run llm? [y/n]: ")
        screen.type("n\n")
        screen.wait_for("Nothing was submitted.")
        assert screen.exit_code() == 1
    assert not server.applied


def test_the_way_to_readiness_is_a_live_picture(place: Path, server: FakeServer) -> None:
    pulling = run(RunPhase.PULLING, replica(status=ReplicaPhase.PULLING, ready=False))
    server.states = [*[STARTING] * 20, *[pulling] * 20, READY, DONE]
    server.held.set()
    with terminal(*APPLY, "-y", cwd=place) as screen:
        screen.wait_for("llm  provisioning")
        screen.wait_for("llm  pulling")
        screen.wait_for("Service is published at:")
        assert screen.exit_code() == 0


def test_ctrl_c_asks_whether_to_stop_the_run_and_stops_it(place: Path, server: FakeServer) -> None:
    server.states = [READY]
    server.logs = [log_line(1, "hello")]
    with terminal(*APPLY, cwd=place) as screen:
        follow_until_logs(screen)
        screen.type(CTRL_C)
        screen.wait_for("Stop the run llm? [y/n]: ")
        screen.type("y\n")
        screen.wait_for("The run llm has ended: stopped.")
        assert screen.exit_code() == 130
    assert server.stopped == [("llm", False)]


@pytest.mark.parametrize("answer", ["n\n", CTRL_C])
def test_a_no_or_a_second_ctrl_c_detaches(place: Path, server: FakeServer, answer: str) -> None:
    server.states = [READY]
    server.logs = [log_line(1, "hello")]
    with terminal(*APPLY, cwd=place) as screen:
        follow_until_logs(screen)
        screen.type(CTRL_C)
        screen.wait_for("Stop the run llm? [y/n]: ")
        screen.type(answer)
        screen.wait_for("Detached: the run llm goes on.")
        assert screen.exit_code() == 130
    assert not server.stopped


def test_ctrl_c_at_the_question_submits_nothing(place: Path, server: FakeServer) -> None:
    with terminal(*APPLY, cwd=place) as screen:
        screen.wait_for("Submit the run llm? [y/n]: ")
        screen.type(CTRL_C)
        assert screen.exit_code() == 130
        assert screen.seen.endswith("\n")
    assert not server.applied


def test_the_end_of_input_is_a_no(place: Path, server: FakeServer) -> None:
    with terminal(*APPLY, cwd=place) as screen:
        screen.wait_for("Submit the run llm? [y/n]: ")
        screen.type(CTRL_D)
        screen.wait_for("\nNothing was submitted.\n")
        assert screen.exit_code() == 1
    assert not server.applied


def test_warnings_and_errors_break_between_words(place: Path, server: FakeServer) -> None:
    words = "This machine is not large enough for what was asked, for example for memory."
    refusal = Refusal(subject="run", message=words, hint=words)
    server.plan = plan(warnings=(words,), refusals=(refusal,))
    with terminal(*APPLY, "-y", cwd=place) as screen:
        screen.wait_for("warning: This")
        screen.exit_code()
    shown = [line for line in screen.seen.splitlines() if line.strip()]
    assert max(map(len, shown)) <= 80
    assert " ".join(" ".join(shown).split()).count(words) == 2
    assert "for example for\nmemory." in screen.seen


def test_ps_can_be_watched_until_ctrl_c(place: Path, server: FakeServer) -> None:
    server.runs = [STARTING]
    with terminal("ps", "-w", cwd=place) as screen:
        screen.wait_for("provisioning")
        server.runs = [READY]
        screen.wait_for("running")
        screen.type(CTRL_C)
        assert screen.exit_code() == 130


def test_a_secret_is_typed_without_an_echo_and_its_length_told(
    workplace: Path, server: FakeServer
) -> None:
    with terminal("secret", "set", "HF_TOKEN", cwd=workplace) as screen:
        screen.wait_for("Value of HF_TOKEN: ")
        screen.type("s3cret value\n")
        before = screen.wait_for("is set in the project main: 12 characters.")
        assert screen.exit_code() == 0
    assert "s3cret" not in before
    assert server.secrets == {"HF_TOKEN": "s3cret value"}


@pytest.mark.parametrize("typed", ["\n", CTRL_D])
def test_no_secret_is_made_of_nothing(workplace: Path, server: FakeServer, typed: str) -> None:
    with terminal("secret", "set", "HF_TOKEN", cwd=workplace) as screen:
        screen.wait_for("Value of HF_TOKEN: ")
        screen.type(typed)
        screen.wait_for("error: The value is empty.")
        assert screen.exit_code() == 2
    assert server.secrets == {}


def test_whoever_deletes_a_secret_is_told_what_that_means(
    workplace: Path, server: FakeServer
) -> None:
    server.secrets = {"HF_TOKEN": "value"}
    with terminal("secret", "delete", "HF_TOKEN", cwd=workplace) as screen:
        screen.wait_for("New replicas that refer to it will fail. [y/n]: ")
        screen.type("y\n")
        screen.wait_for("The secret HF_TOKEN is gone.")
        assert screen.exit_code() == 0
    assert server.secrets == {}
