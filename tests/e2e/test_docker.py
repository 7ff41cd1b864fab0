"""Services in containers, from their file to an answered request."""

import os
import signal
import time
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.e2e.containers import containers
from tests.e2e.installation import PATIENCE, Installation, service
from tests.e2e.programs import COUNTING, ECHO, HELLO, TERM, program
from tests.testbed.deadline import wait_until
from tests.testbed.engine import RUNTIME, Engine
from tests.testbed.fixtures import BASE_IMAGE

PORT = 8000

DOCKER_INSIDE = """
set -e
dockerd --add-runtime test=/runtime.sh --default-runtime test > /log 2>&1 &
until docker version > /dev/null 2>&1; do sleep 0.1; kill -0 $! || { cat /log; exit 1; }; done
cp /usr/bin/tini-static /tini && tar -c -C / tini | docker import - inner > /dev/null
mkdir /served
docker run --rm --network none inner /tini --version > /served/version
"""


def submit(docker: Installation, folder: Path, source: str = HELLO, **properties: object) -> None:
    """Apply, detached."""
    service(folder, PORT, program(source, PORT), **{"image": BASE_IMAGE, **properties})
    docker.perdure("apply", "-y", "-d", folder=folder)


def test_a_service_answers_from_its_container_until_it_is_stopped(
    docker: Installation, engine: Engine, tmp_path: Path
) -> None:
    submit(docker, tmp_path / "boxed", env=["A=1"])
    docker.until_answered("/proxy/services/main/boxed/", 200)
    with docker.client() as client:
        lines = client.get("/proxy/services/main/boxed/env").text.splitlines()
        files = client.get("/proxy/services/main/boxed/files").text.split()
        size = 100 * 1024 * 1024
        answer = client.post("/proxy/services/main/boxed/", content=bytes(size), timeout=60)
    environment = dict(line.split("=", 1) for line in lines if "=" in line)
    assert (environment["A"], environment["DSTACK_REPO_DIR"]) == ("1", "/workflow")
    assert environment["DSTACK_GPUS_NUM"] == "0"
    assert files == [".dstack.yml", "app.py"]
    assert answer.text == str(size)
    assert len(containers(engine, "boxed")) == 1
    docker.perdure("stop", "-y", "boxed")
    assert containers(engine, "boxed") == []


def test_a_websocket_passes_messages_both_ways(docker: Installation, tmp_path: Path) -> None:
    submit(docker, tmp_path / "echo", ECHO)
    docker.until_ready("echo")
    url = f"ws://127.0.0.1:{docker.port}/proxy/services/main/echo/"
    with connect(url, additional_headers={"Authorization": f"Bearer {docker.token}"}) as socket:
        for message in ("hello", "x" * 40_000, b"\0\1\2"):
            socket.send(message)
            assert socket.recv(timeout=PATIENCE) == message
    docker.perdure("stop", "-y", "echo")


@pytest.mark.long
def test_a_privileged_service_runs_docker_inside(
    docker: Installation, docker_image: str, tmp_path: Path
) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "inside.sh").write_text(DOCKER_INSIDE)
    submit(
        docker,
        folder,
        image=docker_image,
        privileged=True,
        volumes=[f"{RUNTIME}:/runtime.sh"],
        commands=["bash inside.sh", f"python3 -m http.server {PORT} --directory /served"],
    )
    docker.until_answered("/proxy/services/main/inside/version", 200)
    with docker.client() as client:
        answer = client.get("/proxy/services/main/inside/version")
    assert answer.text.startswith("tini version")
    docker.perdure("stop", "-x", "-y", "inside")


def test_a_folder_of_the_machine_is_mounted(docker: Installation, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "weights.txt").write_text("on the machine")
    command = f"python3 -m http.server {PORT} --directory /data"
    submit(docker, tmp_path / "mounts", volumes=[f"{data}:/data"], commands=[command])
    docker.until_answered("/proxy/services/main/mounts/", 200)
    with docker.client() as client:
        assert client.get("/proxy/services/main/mounts/weights.txt").text == "on the machine"
    docker.perdure("stop", "-y", "mounts")
    assert (data / "weights.txt").exists()


def test_the_application_hears_of_a_stop(docker: Installation, tmp_path: Path) -> None:
    submit(docker, tmp_path / "polite", TERM)
    docker.until_answered("/proxy/services/main/polite/", 200)
    docker.perdure("stop", "-y", "polite")
    assert docker.perdure("logs", "polite").splitlines()[-1] == "heard SIGTERM"


@pytest.mark.long
def test_a_killed_worker_costs_neither_an_answer_nor_a_line(
    docker: Installation, tmp_path: Path
) -> None:
    submit(docker, tmp_path / "counts", COUNTING)
    docker.until_answered("/proxy/services/main/counts/", 200)
    killed = worker_pid(docker)
    os.kill(killed, signal.SIGKILL)
    with docker.client() as client:
        deadline = time.monotonic() + PATIENCE
        while worker_pid(docker) in (0, killed):
            assert client.get("/proxy/services/main/counts/").status_code == 200
            assert time.monotonic() < deadline, "the worker is not started again"
        before = len(counted(docker))
        wait_until(lambda: len(counted(docker)) > before + 100, "the new worker collects the log")
        assert client.get("/proxy/services/main/counts/").status_code == 200
    docker.perdure("stop", "-y", "counts")
    numbers = counted(docker)
    assert numbers == list(range(len(numbers)))


def counted(docker: Installation) -> list[int]:
    """The numbers of the lines that the store has of the counting program."""
    lines = docker.perdure("logs", "counts").splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("line ")]


def worker_pid(docker: Installation) -> int:
    """As the supervisor has written it; 0 while it has not."""
    words = (docker.data / "run" / "worker.pid").read_text().split()
    return int(words[0]) if words else 0
