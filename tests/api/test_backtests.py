"""A backtest is carried out on the server, and changes nothing."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from datetime import datetime
from typing import Any

import httpx
import psutil
import pytest

from api.applications import Applications
from api.backtest_child import backtest_child
from api.backtest_process import CPU_SECONDS, MEMORY, NICE, Replay
from api.backtests import Backtests
from api.services import Services
from perdure.errors import RateLimited, TooLarge, Unavailable
from policy.transitions import new_run
from spec.backtest import Conditions, RuleName
from spec.feed import ProxyStats
from spec.machine import CpuArch, RuntimeKind
from spec.offer import Offer
from spec.plan import Plan, PlanOrder
from spec.run import RunState
from spec.run_spec import RunSpec
from spec.scale import ScalingSpec
from spec.scaling import ReplicaRange, Scaling, ScalingMetric
from spec.service import ServiceConfiguration
from store.audit import NOBODY
from store.store import Store
from tests.api.fake_runs import FakeRuns
from tests.store.conftest import Clock

REPLAY = "/projects/main/plans/replay"
SERVICE = {
    "type": "service",
    "name": "app",
    "image": "python",
    "port": 8000,
    "replicas": "1..4",
    "scaling": {"metric": "rps", "target": 1},
}
TRACE = {"step": 10, "seconds": 600, "rows": [[0, 5], [300, 60]]}


class LivingRuns(FakeRuns):
    """The run lives, with two replicas for good."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now

    async def state(self, project: str, run: str) -> RunState | None:
        fixed = SERVICE | {"replicas": 2, "scaling": None}
        configuration = ServiceConfiguration.model_validate(fixed)
        state = new_run(project, run, "life1", self.now)
        route = state.route.model_copy(update={"cold_start": 41.5})
        return state.model_copy(
            update={"spec": RunSpec(configuration=configuration), "route": route}
        )


async def replayed(client: httpx.AsyncClient, **call: Any) -> Any:
    answer = await client.post(REPLAY, json={"configuration": SERVICE} | call)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(client: httpx.AsyncClient, **call: Any) -> tuple[int, str]:
    answer = await client.post(REPLAY, json={"configuration": SERVICE} | call)
    return answer.status_code, answer.json()["error"]["message"]


async def counted(store: Store, clock: Clock) -> None:
    """Ten minutes of one request a second, twenty of them in flight at each reading."""
    for number in range(61):
        clock.move(seconds=10)
        told = ProxyStats(
            boot="one", arrived={"main/app": number * 10}, run_in_flight={"main/app": 20}
        )
        await store.load_history.record({"one": told}, clock.now)


async def test_a_trace_is_replayed_with_what_was_given(alice: httpx.AsyncClient) -> None:
    given = {"slots": 4, "cold_start": 30, "service_time": 2, "price": 1.5}
    told = await replayed(alice, trace=TRACE, conditions=given)
    assert (told["trace"], told["requests"], told["tick"]) == ("given", 65, 1)
    assert told["conditions"] == given | {"spread": 0.5}
    assert told["sources"] == dict.fromkeys(given, "given") | {"spread": "assumed"}
    ours, reference = told["outcomes"]
    assert (ours["rule"], reference["rule"]) == ("asked", "reference")
    assert reference["asked"]["scaling"]["scale_up_delay"] == 300
    for each in (ours, reference):
        outcome = each["outcome"]
        assert outcome["cost"] == pytest.approx(1.5 * outcome["replica_hours"])
        assert outcome["requests"] == 65


async def test_without_a_price_of_anybody_there_is_no_cost(alice: httpx.AsyncClient) -> None:
    told = await replayed(alice, trace=TRACE)
    assert told["conditions"]["price"] is None
    assert told["outcomes"][0]["outcome"]["cost"] is None
    assert told["sources"]["price"] == "assumed"


async def test_the_price_is_that_of_the_cheapest_offer(
    alice: httpx.AsyncClient, runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def plan(order: PlanOrder) -> Plan:
        offers = [offer(None), offer(0.22), offer(0.33)]
        plan = await FakeRuns.plan(runs, order)
        return plan.model_copy(update={"offers": tuple(offers)})

    monkeypatch.setattr(runs, "plan", plan)
    told = await replayed(alice, trace=TRACE)
    assert told["conditions"]["price"] == 0.22
    assert told["sources"]["price"] == "offered"


def offer(price: float | None) -> Offer:
    return Offer(
        backend="local",
        region="here",
        instance_type="this",
        runtime=RuntimeKind.DOCKER,
        cpu_arch=CpuArch.X86,
        cpus=2,
        memory=8,
        disk=100,
        price=price,
    )


async def test_the_load_of_a_run_is_replayed_with_its_measured_service_time(
    alice: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    await counted(store, clock)
    told = await replayed(alice, since="10m")
    assert (told["trace"], told["requests"], told["step"]) == ("measured", 600, 10)
    assert told["conditions"]["service_time"] == pytest.approx(20, rel=0.05)
    assert told["sources"]["service_time"] == "measured"


async def test_of_a_load_that_nobody_knows_it_is_said(alice: httpx.AsyncClient) -> None:
    status, message = await refused(alice, since="10m")
    assert status == 404
    assert message == "No request to `app` is known in the time that is to be replayed."


async def test_a_load_belongs_to_a_name(alice: httpx.AsyncClient) -> None:
    nameless = {key: value for key, value in SERVICE.items() if key != "name"}
    status, message = await refused(alice, configuration=nameless, since="10m")
    assert status == 422
    assert "under its name" in message


@pytest.mark.parametrize("load", [{}, {"since": "1h", "trace": TRACE}])
async def test_one_load_is_wanted(alice: httpx.AsyncClient, load: dict[str, Any]) -> None:
    status, message = await refused(alice, **load)
    assert status == 422
    assert "needs a load" in message


async def test_more_replicas_than_can_be_replayed_are_refused(alice: httpx.AsyncClient) -> None:
    many = SERVICE | {"replicas": "1..20000"}
    status, message = await refused(alice, configuration=many, trace=TRACE)
    assert (status, message) == (422, "A backtest has at most 10,000 replicas.")


async def test_a_stranger_replays_nothing(stranger: httpx.AsyncClient) -> None:
    assert (await refused(stranger, trace=TRACE))[0] == 403


class TestOfALivingRun:
    @pytest.fixture
    def runs(self, clock: Clock) -> FakeRuns:
        return LivingRuns(clock.now)

    async def test_the_settings_in_force_are_told_beside_those_asked(
        self, alice: httpx.AsyncClient
    ) -> None:
        told = await replayed(alice, trace=TRACE)
        rules = [each["rule"] for each in told["outcomes"]]
        assert rules == ["asked", "in force", "reference"]
        in_force = told["outcomes"][1]
        assert in_force["asked"]["replicas"] == {"min": 2, "max": 2}
        assert in_force["outcome"]["most_replicas"] == 2

    async def test_its_cold_start_is_the_measured_one(self, alice: httpx.AsyncClient) -> None:
        told = await replayed(alice, trace=TRACE)
        assert told["conditions"]["cold_start"] == 41.5
        assert told["sources"]["cold_start"] == "measured"


class TestABacktest:
    @pytest.fixture
    def backtests(self, services: Services) -> Backtests:
        return Backtests(services, Applications(services, "main", NOBODY), "main")

    @pytest.fixture
    def call(self) -> bytes:
        return json.dumps({"configuration": SERVICE, "trace": TRACE}).encode()

    async def test_that_takes_too_long_is_ended(self, backtests: Backtests, call: bytes) -> None:
        with pytest.raises(TooLarge, match="not done in"):
            await backtests.replay(call, seconds=0.01)

    async def test_is_carried_out_alone(
        self, backtests: Backtests, call: bytes, services: Services
    ) -> None:
        async with services.backtesting:
            with pytest.raises(RateLimited, match="Another backtest"):
                await backtests.replay(call)
        assert (await backtests.replay(call)).requests == 65

    async def test_is_refused_before_its_body_is_looked_at_while_another_runs(
        self, alice: httpx.AsyncClient, services: Services, runs: FakeRuns
    ) -> None:
        async with services.backtesting:
            assert (await refused(alice, trace=TRACE))[0] == 429
            assert (await alice.post(REPLAY, content=b"no JSON")).status_code == 429
        assert runs.orders == []
        assert (await alice.post(REPLAY, content=b"no JSON")).status_code == 422

    async def test_has_a_process_with_bounds_of_its_own(self, call: bytes) -> None:
        before = psutil.Process().children()
        async with backtest_child() as child:
            await child.read(call)
            (process,) = set(psutil.Process().children()) - set(before)
            assert process.nice() == min(psutil.Process().nice() + NICE, 19)
            assert process.rlimit(psutil.RLIMIT_CPU)[0] == CPU_SECONDS
            assert process.rlimit(psutil.RLIMIT_AS)[0] == MEMORY

    async def test_leaves_nothing_computing_when_the_api_is_killed(self) -> None:
        """It has been asked for what takes long, and nobody hears of it."""
        long = {"step": 10, "seconds": 2_592_000, "rows": [[n * 10, 3] for n in range(80_000)]}
        asked = json.dumps({"configuration": SERVICE, "trace": long}).encode()
        scaling = ScalingSpec(
            replicas=ReplicaRange(min=1, max=4), scaling=Scaling(metric=ScalingMetric.RPS, target=1)
        )
        rules = ((RuleName.ASKED, scaling),) * 3
        replay = Replay(conditions=Conditions(), rules=rules)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "api.backtest_process"), stdin=PIPE, stdout=PIPE
        )
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"%d\n" % len(asked) + asked)
        assert b"question" in await process.stdout.readline()
        process.stdin.write(replay.model_dump_json().encode() + b"\n")
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 30) == 1
        assert await process.stdout.read() == b""

    async def test_without_a_child_that_answers_is_unavailable(
        self, backtests: Backtests, call: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.backtest_child.sys.executable", "/bin/false")
        with pytest.raises(Unavailable, match="ended without a result"):
            await backtests.replay(call)
