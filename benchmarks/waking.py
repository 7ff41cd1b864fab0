"""What waking from zero costs: a held first request to its answer, beside the program alone.

Each round has both, in turns of who is first. The program alone is the same one as a plain
process, or a container like that of the replica, made by Docker's API.
"""

import time
from collections.abc import Callable
from typing import Any

import httpx

from benchmarks.stage import (
    apply,
    calls,
    installed,
    page,
    program,
    routes,
    run_of,
    scale,
    until,
    until_ready,
)
from benchmarks.startup import Row, alone, took, until_200
from cli.client import Client
from tests.e2e.containers import containers
from tests.e2e.installation import Installation
from tests.ports import free_port
from tests.testbed.engine import Engine
from tests.testbed.fixtures import BASE_IMAGE

ELASTIC = {"replicas": "0..1", "scaling": {"metric": "rps", "target": 10}}
CONTAINER_PORT = 8000
"""Each container has an address of its own."""

OF_CONFIG = ("Image", "Cmd", "Entrypoint", "Env", "WorkingDir", "User")
OF_HOST = ("Init", "NetworkMode", "RestartPolicy", "LogConfig", "NanoCpus", "Memory", "MemorySwap")
"""What a container by hand has from that of a replica; not the labels, by which ours are known."""

Alone = Callable[[httpx.Client], float]
"""Start the program alone, ask it until it answers, and end it; seconds to the answer."""


class Twin:
    """Containers by hand, each like that of the run's only replica."""

    def __init__(self, engine: Engine, run: str) -> None:
        socket = engine.url.removeprefix("unix://")
        transport = httpx.HTTPTransport(uds=socket, verify=False)
        self._docker = httpx.Client(transport=transport, base_url="http://docker", timeout=60)
        (name,) = containers(engine, run)
        known = self._json("GET", f"/containers/{name}/json")
        self._body = {key: known["Config"][key] for key in OF_CONFIG}
        self._body["HostConfig"] = {key: known["HostConfig"][key] for key in OF_HOST}

    def seconds(self, user: httpx.Client) -> float:
        began = time.monotonic()
        container = self._json("POST", "/containers/create", json=self._body)["Id"]
        try:
            self._call("POST", f"/containers/{container}/start")
            seen = self._json("GET", f"/containers/{container}/json")
            (network,) = seen["NetworkSettings"]["Networks"].values()
            until_200(user, f"http://{network['IPAddress']}:{CONTAINER_PORT}/")
            return time.monotonic() - began
        finally:
            self._call("DELETE", f"/containers/{container}", params={"force": "1", "v": "1"})

    def _json(self, method: str, path: str, **options: Any) -> Any:
        return self._call(method, path, **options).json()

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._docker.request(method, path, **options).raise_for_status()


def of_processes(rounds: int) -> Row:
    with installed("process") as place, calls(place) as client:
        port = free_port()
        apply(client, page("nap", port, **ELASTIC))
        until_ready(client, "nap")
        row = Row("from zero to the first 200, plain process", "the program alone")
        measure(place, client, row, process_alone, rounds)
    return row


def of_containers(place: Installation, engine: Engine, rounds: int) -> Row:
    with calls(place) as client:
        apply(client, page("nap", CONTAINER_PORT, image=BASE_IMAGE, **ELASTIC))
        until_ready(client, "nap")
        row = Row("from zero to the first 200, Docker", "the container alone")
        measure(place, client, row, Twin(engine, "nap").seconds, rounds)
    return row


def measure(place: Installation, client: Client, row: Row, by_hand: Alone, rounds: int) -> None:
    """`row` gets so many pairs, of the service `nap`."""
    with place.client() as user, httpx.Client(trust_env=False) as direct:

        def wake() -> None:
            answer = user.get("/proxy/services/main/nap/")
            assert answer.status_code == 200, answer.text

        for number in range(rounds):
            to_zero(place, client)
            if number % 2 == 0:
                row.compared.append(by_hand(direct))
            row.seconds.append(took(wake))
            if number % 2 == 1:
                row.compared.append(by_hand(direct))


def to_zero(place: Installation, client: Client) -> None:
    """By a number set by hand, which is then taken back: from there it sleeps."""
    scale(client, "nap", 0)
    until(lambda: not run_of(client, "nap").replicas, "the replica is gone")
    scale(client, "nap", None)
    until(lambda: routes(place)["nap"].asleep, "the proxy knows that it sleeps")


def process_alone(user: httpx.Client) -> float:
    port = free_port()
    began = time.monotonic()
    with alone(program(port)):
        until_200(user, f"http://127.0.0.1:{port}/")
        return time.monotonic() - began
