"""Every deed waits where somebody carries it out, and one does."""

import pytest

from engine import deeds
from engine.deed import deed_of
from engine.ids import Queue
from spec.deeds import Closed, CloseOrder
from tests.workflows.conftest import stage as stage
from tests.workflows.stage import Stage
from worker.implementations import by_queue, make_implementations


def test_each_deed_is_carried_out_in_the_queue_that_it_names(stage: Stage) -> None:
    made = make_implementations(stage.settings, stage.client, stage.store, {})
    found = [
        (deed.name, queue)
        for queue, methods in made.items()
        for method in methods
        if (deed := deed_of(method)) is not None
    ]
    assert sorted(found) == sorted((deed.name, deed.queue) for deed in deeds.ALL)
    assert Queue.CONTROL not in made


def test_a_deed_that_nobody_carries_out_is_named_at_the_start() -> None:
    with pytest.raises(TypeError, match=r"not implemented exactly once: .*`drain` \(0 times\)"):
        by_queue([])


def test_a_deed_that_two_carry_out_is_too() -> None:
    class Twice:
        @deeds.close_run.implemented
        async def one(self, order: CloseOrder) -> Closed:
            return Closed()

        @deeds.close_run.implemented
        async def other(self, order: CloseOrder) -> Closed:
            return Closed()

    with pytest.raises(TypeError, match=r"`close_run` \(2 times\)"):
        by_queue([Twice()])
