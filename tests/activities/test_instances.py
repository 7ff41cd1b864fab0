"""Releasing goes on until nothing is found; a crash point strikes once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from temporalio.testing import ActivityEnvironment

from activities.instances import Instances
from hosts.base import Runtime
from spec.deeds import CreateOrder, Instance, Released, ReleaseOrder
from spec.machine import RuntimeFacts
from spec.offer import Offer, OfferQuery


class LateBackend:
    """Of each token, more turns up after it was released."""

    name = "late"
    enforces_defaults = False

    def __init__(self, **left: int) -> None:
        self.left = left

    async def offers(self, query: OfferQuery) -> tuple[Offer, ...]:
        return ()

    async def facts(self) -> RuntimeFacts:
        raise NotImplementedError

    async def create(self, order: CreateOrder) -> Instance:
        raise NotImplementedError

    async def release(self, token: str) -> bool:
        found = self.left.get(token, 0)
        self.left[token] = max(0, found - 1)
        return found > 0

    async def runtime(self, host: str) -> Runtime:
        raise NotImplementedError


async def test_a_release_looks_again_until_nothing_is_found() -> None:
    backend = LateBackend(a=2, b=0, c=1)
    order = ReleaseOrder(backends=dict.fromkeys("abc", "late"))
    released = await ActivityEnvironment().run(Instances({"late": backend}).release, order)
    assert released == Released(removed=3)
    assert set(backend.left.values()) == {0}


CROSS = "from activities.crash import crash_point; crash_point('other'); crash_point('here')"


def test_a_crash_point_kills_once_and_only_there(tmp_path: Path) -> None:
    file = tmp_path / "crash"
    file.write_text("here\n")
    environment = os.environ | {"PERDURE_CRASH_FILE": str(file)}
    statuses = [
        subprocess.run([sys.executable, "-c", CROSS], env=environment, check=False).returncode
        for _ in range(2)
    ]
    assert statuses == [-signal.SIGKILL, 0]
    assert not file.exists()
