"""A deed is declared once; both sides are held to its types."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from engine import deeds
from engine.deed import Deed
from engine.ids import Queue
from engine.options import PATIENT, heartbeat, minutes
from perdure.errors import ImageNotFound, InstanceUnreachable, PerdureError
from spec.deeds import Closed, CloseOrder, Instance
from spec.offer import OfferQuery

ORDER = CloseOrder(project="main", run="web", sealed=())

MISTAKES = """
from engine import deeds
from spec.deeds import Closed, CloseOrder, Instance

async def workflow_side(order: CloseOrder) -> None:
    closed: Instance = await deeds.close_run(order, summary="wrong result")
    await deeds.close_run("wrong argument", summary="")
    await deeds.close_run(order)

class Closings:
    @deeds.close_run.implemented
    async def wrong(self, order: Instance) -> Closed:
        raise NotImplementedError
"""


class Closings:
    """Fails as it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    @deeds.close_run.implemented
    async def close_run(self, order: CloseOrder) -> Closed:
        if self.error is not None:
            raise self.error
        return Closed()


async def test_a_failure_that_was_expected_is_told_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(ApplicationError) as failure:
        await ActivityEnvironment().run(
            Closings(ImageNotFound("There is no `a:b`.")).close_run, ORDER
        )
    assert failure.value.category is ApplicationErrorCategory.BENIGN
    (told,) = caplog.records
    assert told.getMessage() == "close_run of test: There is no `a:b`."


def test_an_implementation_of_other_types_is_refused_at_import() -> None:
    class Wrong:
        async def search_offers(self, query: OfferQuery) -> Instance:
            raise AssertionError

    with pytest.raises(TypeError, match="is not <class"):
        deeds.search_offers.implemented(Wrong.search_offers)  # type: ignore[arg-type]


@pytest.mark.long
def test_mypy_sees_wrong_arguments_results_and_implementations(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(MISTAKES)
    root = Path(__file__).parents[2]
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(wrong)]
    told = subprocess.run(mypy, capture_output=True, text=True, check=False, cwd=root).stdout
    lines = [line for line in told.splitlines() if "wrong.py" in line and ": error:" in line]
    assert sorted(int(line.split(":")[1]) for line in lines) == [6, 7, 8, 11], told


async def test_an_implementation_is_an_activity_of_the_deeds_name() -> None:
    definition = activity._Definition.must_from_callable(Closings.close_run)
    assert definition.name == deeds.close_run.name == "close_run"
    assert await ActivityEnvironment().run(Closings().close_run, ORDER) == Closed()


@pytest.mark.parametrize(
    ("error", "final"),
    [(ImageNotFound("gone", hint="look"), True), (InstanceUnreachable("x"), False)],
)
async def test_our_errors_become_failures(error: PerdureError, final: bool) -> None:
    with pytest.raises(ApplicationError) as caught:
        await ActivityEnvironment().run(Closings(error).close_run, ORDER)
    failure = caught.value
    assert (failure.message, failure.type) == (error.message, type(error).__name__)
    assert (failure.details, failure.non_retryable) == ((error.hint,), final)


async def test_a_bug_stays_what_it_is() -> None:
    with pytest.raises(KeyError):
        await ActivityEnvironment().run(Closings(KeyError("x")).close_run, ORDER)


async def test_a_deed_beats_as_soon_as_it_runs() -> None:
    beats: list[object] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: beats.append(details)

    class Slow:
        @deeds.close_run.implemented
        async def close_run(self, order: CloseOrder) -> Closed:
            while not beats:
                await asyncio.sleep(0)
            return Closed()

    assert await environment.run(Slow().close_run, ORDER) == Closed()
    assert beats


@pytest.mark.parametrize("deed", deeds.ALL, ids=lambda deed: deed.name)
def test_every_deed_can_be_taken_over_from_a_dead_worker(
    deed: "Deed[object, object]",
) -> None:
    assert heartbeat() < deed.timeout
    assert deed.retry.maximum_attempts != 1


def test_what_is_ours_is_released_however_long_it_takes() -> None:
    for deed in (deeds.halt, deeds.release, deeds.close_run):
        assert deed.retry.maximum_attempts == 0
    assert PATIENT.maximum_attempts > 1


def test_deeds_wait_where_their_kind_waits() -> None:
    assert {each.name for each in deeds.ALL if each.queue is Queue.WATCH} == {
        *("wait_ready", "collect_logs", "monitor", "load_watch", "drain")
    }
    assert all(each.timeout > minutes(60) for each in deeds.ALL if each.queue is Queue.WATCH)
