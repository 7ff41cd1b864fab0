"""A whole installation, as a user starts it: `perdure server` in an empty home."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from perdure.data_dir import DataDir
from tests.e2e.evidence import evidence
from tests.ports import free_port
from tests.secrecy.search import CANARIES, VARIABLE, leaks, misplaced_keys
from tests.testbed.deadline import wait_until

PERDURE = (sys.executable, "-P", "-m", "perdure")
PATIENCE = 60.0
CANARY = "E2E_CANARY"
"""A variable that every service of the tests is given, and that may be seen nowhere."""


@dataclass
class Installation:
    """A server that runs, and the command line of its first user."""

    home: Path
    port: int
    ui_port: int
    extra: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://{self.extra.get('PERDURE_HOST', '127.0.0.1')}:{self.port}"

    @property
    def data(self) -> Path:
        return self.home / ".perdure" / "server"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def token(self) -> str:
        return (self.data / "admin.token").read_text().strip()

    @property
    def environment(self) -> dict[str, str]:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("PERDURE_", "DSTACK_"))}
        return {
            **kept,
            "HOME": str(self.home),
            "PERDURE_PORT": str(self.port),
            "PERDURE_UI_PORT": str(self.ui_port),
            "PERDURE_HEARTBEAT": "3",
            "PERDURE_STICKY_TIMEOUT": "2",
            "PERDURE_LEASE": "3",
            "PERDURE_ANTI_ENTROPY": "2",
            "PERDURE_OWNER_CHECK": "2",
            "NO_COLOR": "1",
            **({"PERDURE_PUBLIC_URL": self.url} if "PERDURE_HOST" in self.extra else {}),
            **self.extra,
        }

    @property
    def user(self) -> dict[str, str]:
        """The environment of whoever types commands: one of their variables is a secret."""
        return {**self.environment, CANARY: VARIABLE}

    def start(self) -> None:
        """Start the server, and wait until it says that it is ready."""
        with self.log.open("ab") as output:
            before = output.tell()
            self.process = subprocess.Popen(
                [*PERDURE, "server"], env=self.environment, stdout=output, stderr=output
            )
        try:
            wait_until(partial(self._is_ready, before), "the server is ready", PATIENCE)
        except TimeoutError as error:
            raise AssertionError(self.log.read_text(errors="replace")) from error

    def _is_ready(self, before: int) -> bool:
        """Whether the server has said so since its log was so long."""
        shown = self.log.read_bytes()[before:]
        assert self.process is not None
        assert self.process.poll() is None, shown.decode(errors="replace")
        return b"perdure is ready" in shown

    def stop(self) -> int:
        """Stop it in order; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def crashed(self) -> None:
        """The supervisor was killed; what it started goes on."""
        assert self.process is not None
        self.process.wait()

    def pid(self, part: str) -> int:
        """The process of a part: `worker`, `api` and their kin, or `supervisor`."""
        if part == "supervisor":
            assert self.process is not None
            return self.process.pid
        return int((DataDir(self.data).run / f"{part}.pid").read_text().split()[0])

    def view(self, name: str) -> dict[str, Any]:
        """The run as the API shows it; nothing while the API does not say."""
        with self.client() as client, suppress(httpx.HTTPError):
            answer = client.get(f"/api/v1/projects/main/runs/{name}")
            return dict(answer.json()) if answer.is_success else {}
        return {}

    def phase(self, name: str) -> str:
        """The status of a run; nothing while the API does not say."""
        return str(self.view(name).get("status", ""))

    def until(
        self,
        name: str,
        holds: Callable[[dict[str, Any]], bool],
        what: str,
        seconds: float = 2 * PATIENCE,
    ) -> dict[str, Any]:
        """Wait until that is true of the run, which does not fail meanwhile; the run then."""
        seen: dict[str, Any] = {}

        def now() -> bool:
            seen.clear()
            seen.update(self.view(name))
            held = bool(seen) and holds(seen)
            assert held or seen.get("status") not in ("failed", "done"), seen
            return held

        try:
            wait_until(now, f"{name} {what}", seconds)
        except TimeoutError as error:
            told = f"{error}: {json.dumps(seen)}"
            raise AssertionError(f"{told}\n{evidence(self.data, self.log)}") from error
        return seen

    def scale(self, name: str, replicas: int | None) -> None:
        """Set the number of replicas by hand; None takes that back."""
        asked = {} if replicas is None else {"replicas": replicas}
        with self.client() as client:
            where = f"/api/v1/projects/main/runs/{name}/scale"
            client.post(where, json=asked).raise_for_status()

    def decisions(self, name: str) -> list[dict[str, Any]]:
        """What the run has decided in its last life, as far as that is kept; the oldest first."""
        with self.client() as client:
            where = f"/api/v1/projects/main/runs/{name}/decisions"
            answer = client.get(where, params={"limit": 1000}).raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return [each for each in found[::-1] if each["incarnation"] == found[0]["incarnation"]]

    def run(
        self,
        *arguments: str,
        folder: Path | None = None,
        given: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 90,
    ) -> "subprocess.CompletedProcess[str]":
        """Run `perdure …` as a user does; it ends in `timeout` seconds."""
        try:
            return subprocess.run(
                [*PERDURE, *arguments],
                cwd=folder or self.home,
                env={**self.user, **(env or {})},
                input=given,
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            seen = f"{error}\n{error.stdout!r}\n{error.stderr!r}"
            raise AssertionError(f"{seen}\n{evidence(self.data, self.log)}") from error

    def perdure(self, *arguments: str, **options: Any) -> str:
        """Run `perdure …`, which succeeds; its standard output."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def runs(self, *, finished: bool = False) -> list[dict[str, Any]]:
        """What `ps --json` says."""
        listed: list[dict[str, Any]] = json.loads(
            self.perdure("ps", "--json", *(["-a"] if finished else []))
        )
        return listed

    def names(self) -> set[str]:
        """Of all runs, also of those that have ended. The list may lag behind in what they are."""
        return {run["name"] for run in self.runs(finished=True)}

    def until_ready(self, name: str, count: int = 1) -> dict[str, Any]:
        """Wait until that many replicas are ready; the run as the API shows it."""
        found: dict[str, Any] = {}

        def are_ready() -> bool:
            found.clear()
            found.update(self.view(name))
            replicas = found.get("replicas", [])
            ready = sum(replica["ready"] for replica in replicas)
            if ready == count == len(replicas) == self.routed(name):
                return True
            assert found.get("status") not in ("failed", "done")
            return False

        try:
            wait_until(are_ready, f"{count} replicas of {name} are ready", PATIENCE)
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(self.run("ps", "-v", "-a").stdout) from error
        return found

    def routed(self, name: str) -> int:
        """How many replicas of the run the proxy knows."""
        routes = self._told_by_proxy("/admin/routes")["routes"]
        return sum(len(route["replicas"]) for route in routes if route["run"] == name)

    def held(self, name: str) -> int:
        """How many requests wait at the proxy for a replica of the run."""
        return int(self._told_by_proxy("/stats")["held"].get(f"main/{name}", 0))

    def _told_by_proxy(self, page: str) -> Any:
        socket = str(DataDir(self.data, self.extra.get("PERDURE_INSTANCE", "")).proxy_socket)
        transport = httpx.HTTPTransport(uds=socket, verify=False)
        with httpx.Client(transport=transport, base_url="http://proxy") as proxy:
            return proxy.get(page).json()

    def until_answered(self, path: str, status: int) -> None:
        """Wait until the proxy has heard of a change: it takes some milliseconds."""
        with self.client() as client:
            wait_until(
                lambda: client.get(path).status_code == status, f"{path}: {status}", PATIENCE
            )

    def client(self, *, token: str | None = "") -> httpx.Client:
        """An HTTP client of the front door; with the admin's token unless told otherwise.

        It reads no certificates: 30 ms of a processor each, and tests that wait make many of them.
        """
        value = self.token if token == "" else token
        headers = {} if value is None else {"Authorization": f"Bearer {value}"}
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=30, trust_env=False, verify=False
        )


@contextmanager
def installation(home: Path, **extra: str) -> Iterator[Installation]:
    """A running one; nothing of it is left afterwards, and no value in a file that it wrote."""
    home.mkdir(parents=True, exist_ok=True)
    place = Installation(home, free_port(), free_port(), extra)
    try:
        place.start()
        yield place
        for run in place.runs():
            place.perdure("stop", "-x", "-y", run["name"])
    finally:
        code = place.stop()
    assert code == 0, place.log.read_text(errors="replace")
    data = DataDir(place.data)
    assert leaks(home, "*", CANARIES) == []
    assert misplaced_keys(home, data, data.master_key) == []


def service(folder: Path, port: int, program: str, **properties: object) -> Path:
    """A folder with a service: `program` is a Python script that listens on `port`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(program)
    given = {
        "type": "service",
        "name": folder.name,
        "commands": ["python3 app.py"],
        "port": port,
        "resources": {"cpu": "1..", "memory": "0.1GB..", "disk": "0.1GB.."},
        "stop_duration": 5,
        **properties,
    }
    if isinstance(env := given.get("env", []), list):
        given["env"] = [*env, CANARY]
    (folder / ".dstack.yml").write_text(json.dumps(given))  # YAML reads JSON
    return folder


def words(text: str) -> list[str]:
    """Words of a table."""
    return re.split(r"\s+", text.strip())
