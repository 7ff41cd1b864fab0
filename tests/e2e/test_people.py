"""People and their tokens, on a machine of the server and on another one."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.installation import CANARY, PERDURE, Installation, installation, service
from tests.e2e.programs import HELLO, program
from tests.ports import free_port
from tests.secrecy.search import VARIABLE
from tests.testbed.deadline import wait_until
from tests.testbed.fixtures import alone
from tests.testbed.namespace import Namespace

pytestmark = pytest.mark.long

LIGHT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""
"""What is not there where only the client was installed."""
SERVERS = {
    *("fastapi", "uvicorn", "starlette", "sqlalchemy", "alembic", "aiosqlite", "temporalio"),
    *("cryptography", "pydantic_settings", "psutil", "uvloop", "httptools", "aiodocker"),
    *("store", "api", "worker", "workflows", "engine", "activities", "backends", "hosts", "proxy"),
}
CALL = """
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Authorization": "Bearer " + sys.argv[2]})
print(urllib.request.urlopen(request, timeout=20).read().decode())
"""


@dataclass(frozen=True)
class Laptop:
    """Another machine, as far as the network goes: an empty home, and only the light client."""

    namespace: Namespace
    home: Path

    def run(
        self, *command: str, given: str = "", folder: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("PERDURE_", "DSTACK_"))}
        return subprocess.run(
            [*map(str, self.namespace.enter(*command))],
            env=kept
            | {"HOME": str(self.home), "NO_COLOR": "1", "PYTHONPATH": self._python_path}
            | {CANARY: VARIABLE},
            cwd=folder or self.home,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def perdure(self, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        return self.run(*PERDURE, *arguments, **options)

    def call(self, url: str, token: str) -> str:
        """What a service answers there."""
        done = self.run(sys.executable, "-c", CALL, url, token)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def _python_path(self) -> str:
        return f"{self.home}/.light:{Path(__file__).parents[2]}"


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    """That of no engine, so that nobody waits for one."""
    namespace = Namespace(6)
    with alone("laptop.lock"):
        try:
            namespace.create()
            yield namespace
        finally:
            namespace.remove()


@pytest.fixture(scope="module")
def afar(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A server that other machines reach."""
    home: Path = tmp_path_factory.mktemp("afar")
    with installation(home, PERDURE_RUNTIME="process", PERDURE_HOST=namespace.our_address) as place:
        yield place


@pytest.fixture
def laptop(namespace: Namespace, tmp_path: Path) -> Laptop:
    home = tmp_path / "laptop"
    (home / ".light").mkdir(parents=True)
    (home / ".light" / "sitecustomize.py").write_text(LIGHT.format(names=SERVERS))
    return Laptop(namespace, home)


def new_token(place: Installation, user: str, *arguments: str) -> dict[str, Any]:
    """A token of the user, who is made if need be a `user` of `main`."""
    if place.run("user", "create", user).returncode == 0:
        place.perdure("project", "member", "set", user)
    made = place.perdure("user", "token", "create", "--user", user, "--json", *arguments)
    token: dict[str, Any] = json.loads(made)
    return token


def test_a_laptop_that_knows_nothing_deploys_to_a_server_elsewhere(
    afar: Installation, laptop: Laptop, tmp_path: Path
) -> None:
    value = new_token(afar, "ann", "--name", "laptop", "--expires", "1h")["value"]
    wrong = laptop.perdure("project", "add", "main", "--url", afar.url, given="wrong")
    assert wrong.returncode == 4, wrong.stderr
    assert not (laptop.home / ".perdure").exists()

    added = laptop.perdure("project", "add", "main", "--url", afar.url, given=f"{value}\n")
    assert added.returncode == 0, added.stderr
    assert f"warning: {afar.url} is plain HTTP" in added.stderr
    config = laptop.home / ".perdure" / "config.yml"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    (project,) = yaml.safe_load(config.read_text())["projects"]
    assert project == {"name": "main", "url": afar.url, "token": value, "default": True}

    port = free_port()
    folder = service(tmp_path / "remote", port, program(HELLO, port))
    applied = laptop.perdure("apply", "-y", "-d", folder=folder)
    assert applied.returncode == 0, applied.stderr
    afar.until_ready("remote")
    (run,) = json.loads(laptop.perdure("ps", "--json").stdout)
    assert run["url"] == f"{afar.url}/proxy/services/main/remote/"
    assert laptop.call(run["url"], value) == "hello from remote at /"
    stopped = laptop.perdure("stop", "-y", "remote")
    assert stopped.returncode == 0, stopped.stderr


def test_what_a_deleted_user_has_started_goes_on(afar: Installation, tmp_path: Path) -> None:
    token = new_token(afar, "leaver")
    port = free_port()
    folder = service(tmp_path / "heritage", port, program(HELLO, port))
    afar.perdure("apply", "-y", "-d", folder=folder, env={"PERDURE_TOKEN": token["value"]})
    afar.until_ready("heritage")
    path = "/proxy/services/main/heritage/"
    with afar.client(token=token["value"]) as leaver:
        assert leaver.get(path).status_code == 200
        afar.perdure("user", "delete", "-y", "leaver")
        wait_until(lambda: leaver.get(path).status_code == 401, "the token is revoked")
        assert leaver.get("/api/v1/me").status_code == 401
    with afar.client() as admin:
        assert admin.get(path).text == "hello from heritage at /"
    events = json.loads(afar.perdure("audit", "--json"))
    who = {event["action"]: (event["user"], event["token"]) for event in reversed(events)}
    assert who["run.apply"] == ("leaver", token["id"])
    assert who["user.delete"][0] == "admin"
    assert token["value"] not in json.dumps(events)
    afar.perdure("stop", "-y", "heritage")


def test_a_token_for_one_service_opens_that_one_until_it_is_revoked(
    afar: Installation, tmp_path: Path
) -> None:
    for name in ("shown", "hidden"):
        port = free_port()
        folder = service(tmp_path / name, port, program(HELLO, port))
        afar.perdure("apply", "-y", "-d", folder=folder)
    for name in ("shown", "hidden"):
        afar.until_ready(name)
    token = new_token(afar, "ann", "--scope", "services:main/shown", "--name", "page")
    with afar.client(token=token["value"]) as page:
        answers = {
            name: page.get(f"/proxy/services/main/{name}/")
            for name in ("shown", "hidden", "absent")
        }
        foreign = page.get("/proxy/services/elsewhere/hidden/")
        assert answers["shown"].text == "hello from shown at /"
        assert foreign.status_code == 403
        assert answers["hidden"].content == answers["absent"].content == foreign.content
        refused = page.get("/api/v1/me")
        assert refused.json()["error"]["message"] == "This token may only call services."
        afar.perdure("user", "token", "revoke", "--user", "ann", token["id"])
        wait_until(lambda: page.get("/proxy/services/main/shown/").status_code == 401)
    for name in ("shown", "hidden"):
        afar.perdure("stop", "-x", "-y", name)
