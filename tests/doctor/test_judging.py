"""What is judged is values: each table is what somebody may see."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from doctor.cluster import Namespace, Stuck, judge_namespace, judge_stuck
from doctor.disk import Space, judge_space
from doctor.leftovers import Container, Leftovers, judge_leftovers
from doctor.machine import Engine, Graphics, judge_engine, judge_graphics
from doctor.processes import Process, Processes, judge_processes
from engine.ids import token
from perdure.search_attributes import SearchAttribute
from perdure.settings import RuntimeChoice
from tests.doctor.finding import problems, warnings

GB = 1 << 30
ENGINE = Engine(
    RuntimeChoice.AUTO,
    "unix:///var/run/docker.sock",
    version="29.0.1",
    api=(1, 52),
    live_restore=True,
    log_driver="json-file",
    runtimes=frozenset({"runc"}),
)
READY = Process(answers=True, ready=True)
PARTS = ("worker", "api", "tunnels", "proxy", "server")
RUNNING = Processes(
    supervisor=True,
    held=dict.fromkeys(("holder", "temporal", "worker", "api", "tunnels", "proxy"), True),
    health=dict.fromkeys(PARTS, READY),
)
REPLICA = "run/main/llm/0a1b/r0-g1"
NOTHING = Leftovers(frozenset({REPLICA}), (), (), (), (), (), ())


@pytest.mark.parametrize(
    ("free", "inodes", "wrong", "doubtful"),
    [
        (100 * GB, None, 0, 0),
        (GB, 10**6, 0, 1),
        (GB // 10, 10**6, 1, 0),
        (100 * GB, 17, 1, 0),
    ],
)
def test_space(free: int, inodes: int | None, wrong: int, doubtful: int) -> None:
    found = list(judge_space(Space(Path("/data"), free, 200 * GB, inodes)))
    assert (len(problems(found)), len(warnings(found))) == (wrong, doubtful)


@pytest.mark.parametrize(
    ("change", "wrong", "doubtful"),
    [
        ({}, "", ""),
        ({"live_restore": False}, "", "ends all containers"),
        ({"log_driver": "syslog"}, "gives no logs back", ""),
        ({"api": (1, 40), "version": "19.03.15"}, "too old", ""),
        ({"gpus": 2}, "cannot give them to containers", ""),
        ({"gpus": 2, "runtimes": frozenset({"runc", "nvidia"})}, "", ""),
    ],
)
def test_engine(change: dict[str, object], wrong: str, doubtful: str) -> None:
    found = list(judge_engine(replace(ENGINE, **change)))  # type: ignore[arg-type]
    assert bool(problems(found)) == bool(wrong)
    assert bool(warnings(found)) == bool(doubtful)
    assert wrong in "".join(problems(found))
    assert doubtful in "".join(warnings(found))


@pytest.mark.parametrize(("on_bus", "known", "wrong"), [(0, 0, 0), (2, 2, 0), (2, 1, 1), (1, 0, 1)])
def test_graphics(on_bus: int, known: int, wrong: int) -> None:
    assert len(problems(judge_graphics(Graphics(on_bus, known)))) == wrong


def test_namespace() -> None:
    whole = Namespace(
        "default", timedelta(days=30), frozenset(name.value for name in SearchAttribute)
    )
    assert problems(judge_namespace(whole)) == warnings(judge_namespace(whole)) == []
    (told,) = problems(judge_namespace(replace(whole, attributes=frozenset({"Project"}))))
    assert "RunName, RunStatus, Model" in told
    (told,) = warnings(judge_namespace(replace(whole, retention=timedelta(days=1))))
    assert "1 day" in told


def test_a_task_that_was_tried_twice_is_not_stuck_yet() -> None:
    assert problems(judge_stuck((Stuck("a", 0), Stuck("b", 2)))) == []
    (told,) = problems(judge_stuck((Stuck("a", 0), Stuck("run/main/llm", 3))))
    assert "`run/main/llm` is stuck: its task failed 3 times" in told


def test_processes() -> None:
    assert problems(judge_processes(RUNNING)) == []
    apart = Processes(supervisor=False, held={}, health=RUNNING.health)
    assert problems(judge_processes(apart)) == []
    orphans = replace(RUNNING, supervisor=False)
    assert "The supervisor has gone" in problems(judge_processes(orphans))[0]
    silent = replace(RUNNING, health={**RUNNING.health, "api": Process(answers=False)})
    assert problems(judge_processes(silent)) == ["The api does not answer on its socket."]
    without = Process(answers=True, missing={"runtime": "The engine is away."})
    ill = replace(RUNNING, health={**RUNNING.health, "worker": without})
    assert problems(judge_processes(ill)) == [
        "The worker is not ready. runtime: The engine is away."
    ]
    alone = Process(answers=True, ready=True, away={"temporal": "It is away."})
    served = replace(RUNNING, health={**RUNNING.health, "proxy": alone})
    assert problems(judge_processes(served)) == []
    assert warnings(judge_processes(served)) == ["The proxy works without temporal: It is away."]


def test_leftovers() -> None:
    mine, lost = (
        token(REPLICA, "local/local", 2),
        token("run/main/old/0a1b/r0-g0", "local/local", 0),
    )
    owned = replace(
        NOTHING,
        containers=(Container("perdure-a", REPLICA, mine),),
        folders=((Path("/replicas/a"), mine),),
        gpus=(("GPU-1", mine),),
        claims=(Path("/var/lib/perdure/uids/60706"),),
    )
    assert warnings(judge_leftovers(owned)) == []
    left = replace(
        owned,
        containers=(*owned.containers, Container("perdure-b", "run/main/old/0a1b/r0-g0", lost)),
        folders=(*owned.folders, (Path("/replicas/b"), lost)),
        gpus=(*owned.gpus, ("GPU-2", lost)),
        homes=(Path("/var/lib/perdure/gone"),),
        runs=("run/team/web",),
    )
    assert warnings(judge_leftovers(left)) == [
        "Containers of replicas that have ended: `perdure-b`.",
        "Folders of replicas that have ended: `/replicas/b`.",
        "GPUs that belong to replicas that have ended: `GPU-2`.",
        "Homes of servers whose data is gone: `/var/lib/perdure/gone`.",
        "Services whose project is gone: `run/team/web`.",
    ]
