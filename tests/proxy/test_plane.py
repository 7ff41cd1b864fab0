"""A mistake of ours at one connection is that connection's end, and nobody else's."""

import asyncio
import logging
from pathlib import Path
from typing import cast

import pytest

from proxy.client import ClientConnection
from proxy.limits import Limits
from proxy.plane import Plane


class Connection:
    """One whose time-outs are looked at."""

    def __init__(self, *, wrong: bool) -> None:
        self.transport = self
        self.wrong = wrong
        self.checks = 0
        self.aborted = False

    def check(self, now: float) -> None:
        self.checks += 1
        if self.wrong:
            raise KeyError("a bug of ours")

    def abort(self) -> None:
        self.aborted = True


async def test_time_outs_go_on_after_a_mistake(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plane = Plane(tunnels=tmp_path, limits=Limits(sweep_seconds=0.01))
    wrong, right = Connection(wrong=True), Connection(wrong=False)
    for each in (wrong, right):
        assert plane.clients.admit(cast("ClientConnection", each))
    with caplog.at_level(logging.ERROR):
        plane.sweep()
        async with asyncio.timeout(10):
            while right.checks < 3:
                await asyncio.sleep(0.01)
    assert (wrong.aborted, right.aborted) == (True, False)
    assert "A connection is ended by a mistake of perdure's" in caplog.messages
    plane.clients.discard(cast("ClientConnection", wrong))
    plane.clients.discard(cast("ClientConnection", right))
