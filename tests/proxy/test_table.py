"""The table: the newest word on a run counts, and what was counted stays counted."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proxy.addresses import endpoint
from proxy.auth import Opened
from proxy.balance import Claim
from proxy.pool import Service
from proxy.stats import Durations
from proxy.table import Table
from spec.feed import TableMark
from spec.route import ModelFormat, ModelRoute, ReplicaRoute, RouteState, RouteTable

LATER = datetime(2030, 1, 1, tzinfo=UTC)
ADDRESS = "tcp://127.0.0.1:8000"


def route(version: int = 1, *replicas: ReplicaRoute, **fields: Any) -> RouteTable:
    values = {"project": "main", "run": "a", **fields}
    return RouteTable(version=version, replicas=replicas, **values)


def replica(name: str = "r0", **fields: Any) -> ReplicaRoute:
    return ReplicaRoute(**{"id": name, "address": ADDRESS, **fields})


@pytest.fixture
def table() -> Table:
    return Table(Path("/tunnels"), lambda: 7.0)


def service(table: Table, run: str = "a") -> Service:
    return table.services[b"main", run.encode()]


def test_an_older_table_is_not_taken_in(table: Table) -> None:
    assert table.apply(route(2, replica()))
    assert not table.apply(route(1))
    assert not table.apply(route(2))
    assert [each.id for each in service(table).ready] == ["r0"]


def test_a_new_life_counts_whatever_its_version(table: Table) -> None:
    table.apply(route(9, replica(), started_at=LATER))
    assert table.apply(route(1, incarnation="new"), present=True)
    assert table.marks() == {"main/a": TableMark(incarnation="new", version=1)}


def test_no_other_life_counts_unless_it_is_the_present_one(table: Table) -> None:
    """What is told of a life that is over may come late, and clocks may be set back."""
    table.apply(route(1, incarnation="new"))
    late = route(9, replica(), started_at=LATER, incarnation="old")
    assert not table.apply(late)
    assert table.is_of_other_life(late)
    assert table.apply(route(2, incarnation="new"))
    assert table.marks() == {"main/a": TableMark(incarnation="new", version=2)}


def test_what_the_present_life_has_is_taken_in_once(table: Table) -> None:
    table.apply(route(2))
    assert not table.apply(route(2), present=True)
    assert not table.is_of_other_life(route(1))


def test_replace_believes_the_file(table: Table) -> None:
    table.apply(route(9))
    table.apply(route(1, run="b"))
    table.replace([route(3, replica())])
    assert [each.version for each in table.routes()] == [3]


def test_a_replica_is_the_same_by_its_id(table: Table) -> None:
    table.apply(route(1, replica()))
    before = service(table).replicas["r0"]
    claim = Claim(before)
    table.apply(route(2, replica(address="tcp://127.0.0.1:9000")))
    after = service(table).replicas["r0"]
    assert after is before
    assert after.endpoint.port == 9000
    assert table.in_flight() == {"r0": 1}
    claim.release()


def test_one_that_left_is_counted_until_its_last_request_ends(table: Table) -> None:
    table.apply(route(1, replica()))
    claim = Claim(service(table).replicas["r0"])
    table.apply(route(2))
    assert table.in_flight() == {"r0": 1}
    claim.release()
    assert table.in_flight() == {}


def test_a_draining_replica_takes_no_requests(table: Table) -> None:
    table.apply(route(1, replica(), replica("r1", state=RouteState.DRAINING)))
    assert [each.id for each in service(table).ready] == ["r0"]
    assert service(table).replicas["r1"].left_at == 7.0


def test_arrivals_are_remembered_over_the_lives_of_a_name(table: Table) -> None:
    table.apply(route(1))
    service(table).count(None)
    table.forget("main", "a")
    assert table.arrived() == {"main/a": 1}
    table.apply(route(1))
    service(table).count(None)
    assert table.arrived() == {"main/a": 2}


def test_what_replicas_have_had_stays_counted_when_they_are_gone(table: Table) -> None:
    table.apply(route(1, replica(), replica("r1")))
    claims = [Claim(service(table).replicas[name]) for name in ("r0", "r0", "r1")]
    assert (table.run_in_flight(), table.run_finished()) == ({"main/a": 3}, {"main/a": 0})
    claims[0].finish()
    claims[2].finish()
    table.apply(route(2, replica("r1")))
    assert (table.run_in_flight(), table.run_finished()) == ({"main/a": 1}, {"main/a": 2})
    assert table.finished() == {"r0": 1, "r1": 1}
    claims[1].finish()
    assert (table.run_in_flight(), table.run_finished()) == ({"main/a": 0}, {"main/a": 3})
    assert table.finished() == {"r1": 1}
    table.forget("main", "a")
    assert (table.run_in_flight(), table.run_finished()) == ({}, {"main/a": 3})
    table.apply(route(1, replica()))
    assert table.run_finished() == {"main/a": 3}


def test_counts_of_a_run_that_is_long_over_are_forgotten() -> None:
    now = [100.0]
    table = Table(Path("/tunnels"), lambda: now[0])
    for run in ("a", "b", "c"):
        table.apply(route(1, replica(), run=run))
        service(table, run).count(None)
    claim = Claim(service(table, "a").replicas["r0"])
    for run in ("a", "b", "c"):
        now[0] += 10
        table.forget("main", run)
    table.apply(route(1, run="b"))
    table.forget_counts(120)
    assert table.arrived() == {"main/b": 1, "main/c": 1}
    claim.finish()
    assert "main/a" not in table.run_finished()
    table.forget_counts(200)
    assert table.arrived() == {"main/b": 1}
    assert set(table.run_finished()) == {"main/b"}


def test_a_call_of_a_model_counts_for_the_service_that_it_waits_for(table: Table) -> None:
    model = ModelRoute(name="m")
    table.apply(route(1, run="a", model=model))
    table.apply(route(1, run="b", model=model, asleep=True))
    pool = table.models[b"main", "m"]
    assert (pool.awaited.name, pool.starting, pool.asleep) == ((b"main", b"b"), False, True)
    table.apply(route(1, run="c", model=model, starting=True))
    pool = table.models[b"main", "m"]
    pool.count(None)
    assert table.arrived() == {"main/a": 0, "main/b": 0, "main/c": 1}


def test_a_pool_is_found_again_in_a_later_table(table: Table) -> None:
    own = Opened(services=frozenset({(b"main", b"a")}))
    model = ModelRoute(name="m")
    table.apply(route(1, run="a", model=model))
    table.apply(route(1, run="b", model=model))
    narrow, whole = table.model(b"main", "m", own), table.models[b"main", "m"]
    assert narrow is not None
    table.apply(route(2, replica(), run="b", model=model))
    found, again = table.present(whole), table.present(narrow)
    assert found is not None
    assert again is not None
    assert [len(found.ready), len(again.ready)] == [1, 0]
    assert table.present(service(table)) is service(table)
    last = service(table)
    table.forget("main", "a")
    assert table.present(last) is None
    assert table.present(narrow) is None


def test_whoever_waits_hears_of_each_change(table: Table) -> None:
    heard: list[int] = []
    table.changed = lambda: heard.append(table.version)
    table.apply(route(1))
    table.apply(route(1))
    table.replace([route(3)])
    table.forget("main", "a")
    table.forget("main", "a")
    assert heard == [1, 2, 3]


def test_models_of_one_name_are_one_pool(table: Table) -> None:
    model = ModelRoute(name="m", prefix="/v1/")
    table.apply(route(1, replica(), model=model))
    table.apply(route(1, replica("r1"), run="b", model=model))
    table.apply(
        route(1, replica("r2"), run="c", model=ModelRoute(name="m", format=ModelFormat.TGI))
    )
    pool = table.models[b"main", "m"]
    assert [each.id for each in pool.ready] == ["r0", "r1"]
    assert {each.model_prefix for each in pool.ready} == {b"/v1"}
    pool.count(pool.ready[1])
    pool.count(None)
    assert table.arrived() == {"main/a": 1, "main/b": 1, "main/c": 0}
    table.forget("main", "a")
    table.forget("main", "b")
    assert table.models == {}


@pytest.mark.parametrize(
    ("address", "host", "port", "path"),
    [
        ("tcp://10.0.0.1:80", "10.0.0.1", 80, ""),
        ("tcp://[::1]:80", "::1", 80, ""),
        ("unix:///run/x.sock", "", 0, "/run/x.sock"),
    ],
)
def test_addresses(address: str, host: str, port: int, path: str) -> None:
    where = endpoint(address, Path("/tunnels"))
    assert (where.host, where.port, where.path, where.tunnelled) == (host, port, path, False)
    assert endpoint("tcp://[::1]:80", Path("/t")).authority == b"[::1]:80"


def test_exchanges_of_all_replicas_of_a_run_count_for_the_run(table: Table) -> None:
    table.apply(route(1, replica("r0"), replica("r1")))
    table.apply(route(1, replica("r2"), run="b"))
    table.apply(route(2, replica("r1"), replica("r3")))
    for each in service(table).replicas.values():
        each.durations.add(0.003)
    durations = table.durations()
    assert (sum(durations["main/a"].counts), sum(durations["main/b"].counts)) == (2, 0)


def test_how_long_an_exchange_lasted_is_counted_by_powers_of_two_of_a_millisecond() -> None:
    durations = Durations()
    for seconds in (0, 0.0009, 0.001, 0.0019, 0.003, 1.0, 1e9):
        durations.add(seconds)
    assert durations.counts[:3] == [2, 2, 1]
    assert durations.counts[10] == 1  # from 0.512 s to 1.024 s
    assert sum(durations.counts) == 7
    assert durations.seconds == pytest.approx(1e9 + 1.0068)
