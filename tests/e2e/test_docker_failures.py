"""What goes wrong in containers, and how it is told."""

from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import containers
from tests.e2e.installation import Installation, service
from tests.e2e.programs import GREEDY, HELLO, program
from tests.testbed.deadline import wait_until
from tests.testbed.engine import MIRROR_PORT, Engine
from tests.testbed.fixtures import BASE_IMAGE
from tests.testbed.registry import PASSWORD, USER

PORT = 8000


def private(folder: Path, image: str, password: str) -> Path:
    """A service whose image is in a private registry."""
    auth = {"username": USER, "password": password}
    return service(folder, PORT, program(HELLO, PORT), image=image, registry_auth=auth)


def failure(docker: Installation, name: str) -> str:
    """What `ps -v` says of a run that has failed."""
    path = f"/api/v1/projects/main/runs/{name}"
    with docker.client() as client:
        wait_until(lambda: client.get(path).json()["status"] == "failed", f"{name} fails")
    lines = docker.perdure("ps", "-a", "-v").splitlines()
    start = next(number for number, line in enumerate(lines) if line.split()[0] == name)
    rest = lines[start + 1 :]
    end = next((n for n, line in enumerate(rest) if not line.startswith(" ")), len(rest))
    return " ".join(" ".join(rest[:end]).split())


def test_a_wrong_password_is_told_and_the_right_one_is_a_secret_of_the_project(
    docker: Installation, private_image: str, tmp_path: Path
) -> None:
    wrong = docker.run("apply", "-y", folder=private(tmp_path / "wrong", private_image, "no"))
    assert wrong.returncode == 1
    assert "image pull failed" in wrong.stderr
    assert "refused to give" in failure(docker, "wrong")
    docker.perdure("secret", "set", "REGISTRY", given=PASSWORD)
    folder = private(tmp_path / "right", private_image, "${{ secrets.REGISTRY }}")
    docker.perdure("apply", "-y", "-d", folder=folder)
    docker.until_answered("/proxy/services/main/right/", 200)
    with docker.client() as client:
        answer = client.get("/proxy/services/main/right/")
    assert answer.text == "hello from right at /"
    docker.perdure("stop", "-y", "right")
    for shown in (wrong.stdout + wrong.stderr, docker.perdure("ps", "-a", "-v")):
        assert PASSWORD not in shown


def test_an_image_that_does_not_exist_is_told(
    docker: Installation, engine: Engine, public_image: str, tmp_path: Path
) -> None:
    image = f"{engine.namespace.our_address}:{MIRROR_PORT}/nobody/nothing:1"
    folder = service(tmp_path / "nothing", PORT, "", image=image)
    done = docker.run("apply", "-y", folder=folder)
    assert done.returncode == 1
    assert "There is no image" in failure(docker, "nothing")
    assert containers(engine, "nothing") == []


def test_memory_that_ran_out_is_told_from_other_ends(
    docker: Installation, engine: Engine, tmp_path: Path
) -> None:
    resources = {"cpu": "1..", "memory": "0.05GB..0.1GB", "disk": "1GB.."}
    text = program(GREEDY, PORT)
    folder = service(tmp_path / "greedy", PORT, text, image=BASE_IMAGE, resources=resources)
    docker.perdure("apply", "-y", "-d", folder=folder)
    docker.until_answered("/proxy/services/main/greedy/", 204)
    with docker.client() as client, pytest.raises((httpx.HTTPError, AssertionError)):
        assert client.get("/proxy/services/main/greedy/eat").status_code == 204
    assert "out of memory" in failure(docker, "greedy")
    assert containers(engine, "greedy") == []


def test_an_application_that_exits_is_told_with_its_exit_code(
    docker: Installation, tmp_path: Path
) -> None:
    folder = service(tmp_path / "exits", PORT, "raise SystemExit(5)", image=BASE_IMAGE)
    docker.run("apply", "-y", folder=folder)
    assert "exited (5)" in failure(docker, "exits")
