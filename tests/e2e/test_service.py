"""A service from its file to an answered request, as a user sees it."""

import concurrent.futures
import json
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.installation import Installation, service
from tests.e2e.programs import HELLO, SLOW, program
from tests.ports import free_port


def deploy(
    running: Installation, folder: Path, source: str = HELLO, **properties: object
) -> dict[str, object]:
    """Apply, detached, and wait until it is ready."""
    port = free_port()
    service(folder, port, program(source, port), **properties)
    running.perdure("apply", "-y", "-d", folder=folder)
    return running.until_ready(folder.name)


def test_apply_publishes_a_service_that_answers_until_it_is_stopped(
    running: Installation, tmp_path: Path
) -> None:
    port = free_port()
    folder = service(tmp_path / "hello", port, program(HELLO, port))
    shown = running.perdure("apply", "-y", "-d", folder=folder)
    assert f"http://localhost:{running.port}/proxy/services/main/hello/" in shown
    running.until_ready("hello")
    running.until_answered("/proxy/services/main/hello/", 200)
    with running.client() as client:
        answer = client.get("/proxy/services/main/hello/greet?a=%20b")
        assert answer.text == "hello from hello at /greet?a=%20b"
        assert client.get("/proxy/services/main/hello").status_code == 308
    running.perdure("stop", "-y", "hello")
    running.until_answered("/proxy/services/main/hello/", 404)
    running.perdure("stop", "-y", "hello")
    line = next(r for r in running.runs(finished=True) if r["name"] == "hello")
    assert (line["status"], line["status_message"]) == ("terminated", "stopped")


def test_ps_prints_exactly_what_programs_rely_on(running: Installation, tmp_path: Path) -> None:
    deploy(running, tmp_path / "listed")
    line = next(r for r in running.runs() if r["name"] == "listed")
    assert list(line) == [
        *("name", "project", "status", "status_message", "submitted_at", "url", "model_url"),
        "replicas",
    ]
    assert line["replicas"] == [
        {
            "num": 0,
            "status": "running",
            "deployment": 1,
            "backend": "local",
            "region": "local",
            "price": 0.0,
            "ready": True,
        }
    ]
    table = running.perdure("ps")
    assert table.splitlines()[0].split() == [
        *("NAME", "BACKEND", "RESOURCES", "PRICE", "STATUS", "SUBMITTED"),
    ]
    running.perdure("stop", "-y", "listed")


def test_a_service_wants_a_token_unless_it_says_otherwise(
    running: Installation, tmp_path: Path
) -> None:
    deploy(running, tmp_path / "closed")
    deploy(running, tmp_path / "open", auth=False)
    with running.client(token=None) as anybody:
        refused = anybody.get("/proxy/services/main/closed/")
        unknown = anybody.get("/proxy/services/main/no-such-run/")
        assert (refused.status_code, refused.text) == (401, unknown.text)
        assert anybody.get("/proxy/services/main/open/").status_code == 200
    with running.client(token="wrong") as stranger:
        assert stranger.get("/proxy/services/main/closed/").status_code == 401
    with running.client() as member:
        headers = member.get("/proxy/services/main/closed/headers").text
        assert running.token not in headers
        assert member.get("/proxy/services/main/no-such-run/").status_code == 404
        assert member.get("/proxy/services/elsewhere/closed/").status_code == 403
    for name in ("closed", "open"):
        running.perdure("stop", "-y", name)


def test_a_stream_arrives_piece_by_piece(running: Installation, tmp_path: Path) -> None:
    deploy(running, tmp_path / "stream", SLOW)
    with (
        running.client() as client,
        client.stream("GET", "/proxy/services/main/stream/4") as answer,
    ):
        pieces = [piece for piece in answer.iter_raw() if piece]
    assert len(pieces) >= 4
    assert b"".join(pieces).count(b"data: ") == 4
    running.perdure("stop", "-y", "stream")


def test_a_large_upload_arrives_whole(running: Installation, tmp_path: Path) -> None:
    deploy(running, tmp_path / "upload")
    size = 100 * 1024 * 1024
    with running.client() as client:
        answer = client.post("/proxy/services/main/upload/", content=bytes(size), timeout=60)
    assert answer.text == str(size)
    running.perdure("stop", "-y", "upload")


def test_what_is_in_the_folder_is_what_runs(running: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / ".gitignore").write_text("ignored.txt\n")
    (folder / "ignored.txt").write_text("no")
    (folder / "uncommitted.txt").write_text("yes")
    deploy(running, folder)
    with running.client() as client:
        files = client.get("/proxy/services/main/code/files").text.split()
    assert files == [".dstack.yml", ".gitignore", "app.py", "uncommitted.txt"]
    running.perdure("stop", "-y", "code")


def test_variables_come_from_the_file_the_command_and_the_environment(
    running: Installation, tmp_path: Path
) -> None:
    port = free_port()
    folder = service(tmp_path / "variables", port, program(HELLO, port), env=["GIVEN", "A=1", "B"])
    missing = running.run("apply", "-y", "-d", folder=folder)
    assert missing.returncode == 2
    assert "GIVEN" in missing.stderr
    running.perdure("apply", "-y", "-d", "-e", "GIVEN=x y", folder=folder, env={"B": "from-env"})
    running.until_ready("variables")
    with running.client() as client:
        lines = client.get("/proxy/services/main/variables/env").text.splitlines()
    environment = dict(line.split("=", 1) for line in lines if "=" in line)
    assert (environment["GIVEN"], environment["A"], environment["B"]) == ("x y", "1", "from-env")
    assert environment["DSTACK_RUN_NAME"] == "variables"
    assert environment["DSTACK_GPUS_NUM"] == "0"
    assert not any(name.startswith("PERDURE_") and "TOKEN" in name for name in environment)
    running.perdure("stop", "-y", "variables")


def test_logs_outlive_the_replica(running: Installation, tmp_path: Path) -> None:
    deploy(running, tmp_path / "logged")
    running.perdure("stop", "-y", "logged")
    done = running.run("logs", "logged")
    assert done.returncode == 0, done.stderr
    assert "listening" in done.stdout
    assert "a complaint" in done.stderr


def test_a_service_that_exits_fails_with_its_exit_code(
    running: Installation, tmp_path: Path
) -> None:
    deploy(running, tmp_path / "exits")
    with running.client() as client, pytest.raises((httpx.HTTPError, AssertionError)):
        assert client.get("/proxy/services/main/exits/exit").status_code == 200
    with running.client() as client:
        line = client.get("/api/v1/projects/main/runs/exits").json()
        while line["status"] not in ("failed", "terminated"):
            line = client.get("/api/v1/projects/main/runs/exits").json()
    assert (line["status"], line["status_message"]) == ("failed", "exited (3)")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_stop_and_apply_twenty_times(running: Installation, tmp_path: Path) -> None:
    port = free_port()
    folder = service(tmp_path / "again", port, program(HELLO, port))
    for _ in range(20):
        running.perdure("apply", "-y", "-d", folder=folder)
        running.until_ready("again")
        with running.client() as client:
            assert client.get("/proxy/services/main/again/").status_code == 200
        running.perdure("stop", "-y", "again")
    assert [run for run in running.runs() if run["name"] == "again"] == []


def test_two_applies_at_the_same_moment_make_one_run(running: Installation, tmp_path: Path) -> None:
    port = free_port()
    folder = service(tmp_path / "twice", port, program(HELLO, port))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: running.run("apply", "-y", "-d", folder=folder), "ab"))
    assert [done.returncode for done in both] == [0, 0], [done.stderr for done in both]
    running.until_ready("twice")
    assert len([run for run in running.runs() if run["name"] == "twice"]) == 1
    running.perdure("stop", "-y", "twice")


def test_stop_of_an_unknown_run_is_not_found(running: Installation) -> None:
    done = running.run("stop", "-y", "nobody")
    assert done.returncode == 3
    assert "nobody" in done.stderr


def test_errors_of_the_api_have_one_form(running: Installation) -> None:
    with running.client() as client:
        answer = client.get("/api/v1/projects/main/runs/none")
        assert answer.status_code == 404
        assert set(json.loads(answer.text)["error"]) == {"code", "message", "hint"}
