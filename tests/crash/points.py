"""Named places between our processes and the world, at which a test kills the process.

No product code knows of them: `tests/crash/struck` wraps the methods when a process starts.
"""

import functools
import importlib
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

STRUCK = Path(__file__).with_name("struck")
ROOT = Path(__file__).parents[2]
VARIABLE = "PERDURE_CRASH_AT"
"""The folder that holds a file for each point at which a process is to die."""


class Edge(StrEnum):
    """Before the call was made, or when it is done and nobody knows yet."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Point:
    """A place in the life of a service: where `process` calls `method` (`module:name`)."""

    call: str
    process: str
    edge: Edge
    method: str

    @property
    def name(self) -> str:
        """As in `create.after_call`."""
        return f"{self.call}.{self.edge}_call"

    def place(self) -> tuple[Any, str]:
        """The class or module that has the method, and its name there."""
        module, _, path = self.method.partition(":")
        *owners, name = path.split(".")
        return functools.reduce(getattr, owners, importlib.import_module(module)), name


def _around(call: str, method: str, process: str = "worker") -> tuple[Point, ...]:
    return tuple(Point(call, process, edge, method) for edge in Edge)


_PROCESSES = "hosts.process.runtime:ProcessRuntime"
_DOCKER = "hosts.docker.runtime:DockerRuntime"

WITH_PROCESSES = (
    *_around("upload", "store.code:Code.put", "api"),
    *_around("plan", "engine.runs:Runs.plan", "api"),
    *_around("seal", "store.envelopes:Envelopes.put", "api"),
    *_around("apply", "engine.runs:Runs.apply", "api"),
    *_around("revision", "store.revisions:Revisions.append", "api"),
    *_around("search", "activities.offers:Offers.search_offers"),
    *_around("create", "backends.local:LocalBackend.create"),
    *_around("pull", f"{_PROCESSES}.pull"),
    *_around("claim", f"{_PROCESSES}._claim"),
    *_around("unpack", f"{_PROCESSES}._make_home"),
    *_around("launch", f"{_PROCESSES}._launch"),
    *_around("start", f"{_PROCESSES}.start"),
    *_around("wait_ready", "activities.readiness:Readinesses.wait_ready"),
    *_around("logs.append", "store.logs:Logs.append"),
    # It does not return as long as its replica runs, and a stop does not wait for it.
    _around("monitor", "activities.monitoring:Monitors.monitor")[0],
    *_around("stop", "engine.runs:Runs.stop", "api"),
    *_around("drain", "activities.drains:Drains.drain"),
    *_around("halt", f"{_PROCESSES}.stop"),
    *_around("logs.finish", "store.logs:Logs.finish"),
    *_around("release", f"{_PROCESSES}.remove"),
    *_around("close_run", "store.envelopes:Envelopes.forget"),
)
"""In the order of a service's life."""

WITH_DOCKER = (
    *_around("image", f"{_DOCKER}.pull"),
    *_around("network", "hosts.docker.runtime:ensure_network"),
    *_around("address", "store.addresses:Addresses.claim"),
    *_around("container", "hosts.docker.runtime:create_container"),
    *_around("code", "hosts.docker.runtime:put_code"),
    *_around("container.start", f"{_DOCKER}.start"),
    *_around("container.stop", f"{_DOCKER}.stop"),
    *_around("container.remove", f"{_DOCKER}.remove"),
    *_around("address.release", "store.addresses:Addresses.release"),
)
"""Where containers are treated otherwise."""

WITH_CHANGES = (
    *_around("scale", "engine.runs:Runs.scale", "api"),
    *_around("wake", "proxy.alarm:Alarm.wake", "proxy"),
    *_around("load_watch", "activities.watches:Watches.load_watch"),
    *_around("keep_decisions", "activities.decisions:Decisions.keep_decisions"),
    # With probes it returns when the replica's health is another one.
    _around("monitor", "activities.monitoring:Monitors.monitor")[1],
)
"""When a service that serves becomes another one."""

POINTS = (*WITH_PROCESSES, *WITH_DOCKER, *WITH_CHANGES)


def points_of(*calls: str) -> tuple[Point, ...]:
    """Both edges of these calls."""
    return tuple(point for call in calls for point in POINTS if point.call == call)


def settings(folder: Path) -> dict[str, str]:
    """The environment of processes that die where `folder` says so."""
    known = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, (str(STRUCK), str(ROOT), known)))
    return {"PYTHONPATH": path, VARIABLE: str(folder)}
