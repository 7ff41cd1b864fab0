"""The numbers of a run, as the API tells them to members of the project."""

from pathlib import Path
from typing import Any

import httpx

from policy.run_metrics import NO_PROXY
from spec.feed import ProxyLease, ProxyStats
from spec.names import replica_id
from spec.replica import ReplicaStatus
from spec.route import ReplicaRoute, RouteTable
from spec.status import ReplicaPhase, RunPhase
from store.store import Store
from tests.api.fake_runs import FakeRuns, run_status
from tests.store.conftest import Clock
from tests.testbed.stats_server import answering

METRICS = "/projects/main/runs/app/metrics"
APP = "main/app"
REPLICA = replica_id("main", "app", "life1", 0, 1)


def settle(runs: FakeRuns, phase: RunPhase = RunPhase.RUNNING) -> None:
    """One replica, which took 12.5 s to be ready."""
    replica = ReplicaStatus(
        id=REPLICA,
        num=0,
        status=ReplicaPhase.RUNNING,
        deployment=1,
        backend="local",
        price=0.5,
        ready=True,
    )
    runs.know(run_status(phase=phase).model_copy(update={"replicas": (replica,)}))
    runs.routes["main", "app"] = RouteTable(
        project="main",
        run="app",
        incarnation="life1",
        cold_start=12.5,
        replicas=(ReplicaRoute(id=REPLICA, address="tcp://127.0.0.1:1"),),
    )


def stats(**counts: Any) -> ProxyStats:
    return ProxyStats(
        boot="one",
        in_flight={REPLICA: 2},
        finished={REPLICA: 7},
        run_in_flight={APP: 2},
        run_finished={APP: 9},
        held={APP: 1},
        **counts,
    )


async def numbers(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(METRICS)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def count(store: Store, clock: Clock, *arrived: int) -> None:
    """Readings of a proxy, at the end of one step of ten seconds after the other."""
    for each in arrived:
        clock.move(seconds=10)
        await store.load_history.record({"one": stats(arrived={APP: each})}, clock.now)


async def test_a_run_is_told_with_its_requests_replicas_and_cost(
    alice: httpx.AsyncClient, runs: FakeRuns, store: Store, clock: Clock, tmp_path: Path
) -> None:
    settle(runs)
    await count(store, clock, 0, 60, 120, 120)
    clock.move(seconds=5)
    async with answering(tmp_path / "proxy.sock", [stats(arrived={APP: 120})]):
        await store.leases.renew("one", ProxyLease(stats=f"unix://{tmp_path}/proxy.sock"))
        told = await numbers(alice)
    assert told.pop("at") == clock.now.isoformat().replace("+00:00", "Z")
    assert told == {
        "project": "main",
        "name": "app",
        "status": "running",
        "requests_per_second_1m": 2.0,
        "requests_per_second_5m": 0.4,
        "in_flight": 2,
        "held": 1,
        "finished": 9,
        "desired": 1,
        "ready": 1,
        "cold_start": 12.5,
        "cost_per_hour": 0.5,
        "replicas": [
            {
                "num": 0,
                "status": "running",
                "ready": True,
                "health": None,
                "in_flight": 2,
                "finished": 7,
                "price": 0.5,
            }
        ],
        "proxies": 1,
        "silent_proxies": 0,
        "note": "",
    }


async def test_without_a_proxy_what_is_missing_is_null_and_said(
    alice: httpx.AsyncClient, runs: FakeRuns, store: Store, clock: Clock, tmp_path: Path
) -> None:
    settle(runs)
    await count(store, clock, 0, 60)
    await store.leases.renew("one", ProxyLease(stats=f"unix://{tmp_path}/nobody.sock"))
    told = await numbers(alice)
    counted = ("requests_per_second_1m", "requests_per_second_5m", "in_flight", "held", "finished")
    assert [told[name] for name in counted] == [None] * 5
    assert (told["silent_proxies"], told["note"]) == (1, NO_PROXY)
    assert (told["ready"], told["cost_per_hour"]) == (1, 0.5)


async def test_a_run_that_has_ended_is_told_and_one_that_never_was_is_not_found(
    alice: httpx.AsyncClient, runs: FakeRuns
) -> None:
    answer = await alice.get(METRICS)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "There is no run `app` in the project `main`."
    runs.know(run_status(phase=RunPhase.DONE))
    told = await numbers(alice)
    assert (told["status"], told["replicas"], told["cost_per_hour"]) == ("done", [], 0.0)


async def test_who_is_no_member_is_told_nothing(
    stranger: httpx.AsyncClient, runs: FakeRuns
) -> None:
    settle(runs)
    assert (await stranger.get(METRICS)).status_code == 403
