"""`plan`: what `apply` would do, and what it would have done to a load of the past."""

import json
from pathlib import Path

import pytest

from cli.backtest import facts, outcomes
from cli.trace import MOST_ROWS, read_trace
from perdure.errors import InvalidInput
from spec.backtest import Backtest, Conditions, RuledOutcome, RuleName, Waits
from spec.scale import ScalingSpec
from spec.scaling import ReplicaRange, Scaling, ScalingMetric
from tests.cli.conftest import SERVICE, Perdure
from tests.cli.fake_server import FakeServer, an_offer, backtest, outcome, plan
from tests.cli.screen import drawn, shown_blocks

PAGE = "concepts/backtest.md"


@pytest.fixture
def service(tmp_path: Path) -> str:
    file = tmp_path / "service.dstack.yml"
    file.write_text(f"{SERVICE}env: [PATH]\n")
    return str(file)


def csv(folder: Path, *lines: str) -> str:
    file = folder / "trace.csv"
    file.write_text("".join(f"{line}\n" for line in lines))
    return str(file)


def ruled(rule: RuleName, low: int, high: int, **properties: object) -> RuledOutcome:
    delays = {"scale_up_delay": 300} if rule is RuleName.REFERENCE else {}
    scaling = Scaling(metric=ScalingMetric.RPS, target=0.35, **delays)
    asked = ScalingSpec(replicas=ReplicaRange(min=low, max=high), scaling=scaling)
    return RuledOutcome(rule=rule, asked=asked, outcome=outcome(**properties))


FOUND = backtest(
    ruled(
        RuleName.ASKED,
        1,
        30,
        replica_hours=255.8,
        cost=511.6,
        waits=Waits(longest=101.4, share_held=0.004),
        ups=50,
        downs=45,
        most_replicas=18,
    ),
    ruled(
        RuleName.IN_FORCE,
        18,
        18,
        replica_hours=432,
        cost=864,
        waits=Waits(),
        ups=0,
        downs=0,
        most_replicas=18,
    ),
    ruled(
        RuleName.REFERENCE,
        1,
        30,
        replica_hours=235.4,
        cost=470.8,
        waits=Waits(p95=1.0, p99=12.5, longest=201.7, share_held=0.075),
        ups=112,
        downs=75,
        most_replicas=18,
    ),
    requests=259_900,
    conditions=Conditions(price=2.0),
)


class TestPlan:
    def test_shows_what_apply_would_show_and_changes_nothing(
        self, server: FakeServer, perdure: Perdure, service: str
    ) -> None:
        server.plan = plan(offers=(an_offer(),))
        said = perdure("plan", "-f", service, "--no-repo")
        assert said.code == 0, said.err
        assert "runpod" in said.out
        assert "Shown 1 of 1 offer" in said.out
        assert len(server.planned) == 1
        assert not server.applied
        assert not server.code

    def test_asks_nobody(self, server: FakeServer, perdure: Perdure, service: str) -> None:
        assert perdure("plan", "-f", service, "--no-repo").code == 0

    def test_is_complete_for_programs(
        self, server: FakeServer, perdure: Perdure, service: str
    ) -> None:
        said = perdure("plan", "-f", service, "--no-repo", "--json")
        assert json.loads(said.out)["check"] == "new"

    def test_without_an_offer_says_so_by_its_exit_code(
        self, server: FakeServer, perdure: Perdure, service: str
    ) -> None:
        server.plan = plan(total_offers=0)
        assert perdure("plan", "-f", service, "--no-repo").code == 5

    @pytest.mark.parametrize("option", ["--price", "--slots", "--cold-start", "--service-time"])
    def test_takes_conditions_with_a_load_only(
        self, server: FakeServer, perdure: Perdure, service: str, option: str
    ) -> None:
        said = perdure("plan", "-f", service, option, "2")
        assert said.code == 2
        assert f"{option} belongs to --replay or --trace." in " ".join(said.err.split())


class TestReplay:
    def test_asks_for_the_load_of_the_run(
        self, server: FakeServer, perdure: Perdure, service: str
    ) -> None:
        said = perdure(
            *("plan", "-f", service, "--replay", "7d", "--price", "0.5", "--slots", "4"),
            *("--cold-start", "2m", "--service-time", "0.5"),
        )
        assert said.code == 0, said.err
        [asked] = server.replayed
        assert asked["since"] == 7 * 86_400
        assert asked["trace"] is None
        assert asked["conditions"] == {
            "price": 0.5,
            "slots": 4,
            "cold_start": 120,
            "service_time": 0.5,
        }
        assert not server.applied

    def test_sends_no_value_of_the_environment(
        self, server: FakeServer, perdure: Perdure, service: str
    ) -> None:
        perdure("plan", "-f", service, "--replay", "1d")
        assert server.replayed[0]["configuration"]["env"] == {}

    def test_asks_for_the_load_of_a_file(
        self, server: FakeServer, perdure: Perdure, service: str, tmp_path: Path
    ) -> None:
        trace = csv(tmp_path, "second,requests", "0,3", "10,0", "40,7")
        assert perdure("plan", "-f", service, "--trace", trace).code == 0
        assert server.replayed[0]["trace"] == {
            "step": 10,
            "seconds": 50,
            "rows": [[0, 3], [40, 7]],
        }

    def test_is_of_one_load(self, server: FakeServer, perdure: Perdure, service: str) -> None:
        said = perdure("plan", "-f", service, "--replay", "7d", "--trace", "trace.csv")
        assert said.code == 2

    @pytest.mark.parametrize(
        "options",
        [
            ("--replay", "soon"),
            ("--replay", "5s"),
            ("--replay", "90d"),
            ("--replay", "1d", "--cold-start", "-5"),
            ("--replay", "1d", "--service-time", "nan"),
        ],
    )
    def test_says_what_cannot_be(
        self, server: FakeServer, perdure: Perdure, service: str, options: tuple[str, ...]
    ) -> None:
        said = perdure("plan", "-f", service, *options)
        assert said.code == 2
        assert "Traceback" not in said.err
        assert not server.replayed

    def test_shows_what_the_page_shows(self) -> None:
        lines = [*drawn(facts(FOUND), width=130), "", *drawn(outcomes(FOUND.outcomes), width=130)]
        assert shown_blocks(" Load", PAGE) == ["".join(f"{each}\n" for each in lines)]

    def test_is_complete_for_programs(
        self, server: FakeServer, perdure: Perdure, service: str
    ) -> None:
        server.backtest = FOUND
        said = perdure("plan", "-f", service, "--replay", "1d", "--json")
        assert Backtest.model_validate_json(said.out) == FOUND

    def test_warns_of_requests_that_were_never_served(
        self, server: FakeServer, perdure: Perdure, service: str
    ) -> None:
        server.backtest = backtest(ruled(RuleName.ASKED, 0, 1, cost=None, unserved=3))
        said = perdure("plan", "-f", service, "--replay", "1d")
        assert said.err == "warning: asked: 3 requests were never served.\n"


class TestATrace:
    def test_that_is_very_long_is_made_coarser(self, tmp_path: Path) -> None:
        rows = (f"{second},1" for second in range(MOST_ROWS + 10))
        trace = read_trace(csv(tmp_path, "second,requests", *rows))
        assert (trace.step, trace.requests) == (2, MOST_ROWS + 10)
        assert trace.seconds == MOST_ROWS + 10

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ((), "Line 1 of"),
            (("at,count", "1,1"), "it does not name the columns"),
            (("second,requests", "1,1", "x,1"), "Line 3 of"),
            (("second,requests", "1,1,1"), "it does not have two whole numbers"),
            (("second,requests", "1,-1"), "it has a number below zero"),
            (("second,requests", "5,1", "5,1"), "Line 3 of"),
            (("second,requests", "0,2000000"), "is no trace"),
        ],
    )
    def test_that_is_none_is_refused_with_its_line(
        self, tmp_path: Path, lines: tuple[str, ...], message: str
    ) -> None:
        with pytest.raises(InvalidInput, match=message):
            read_trace(csv(tmp_path, *lines))

    def test_that_is_not_there_is_told(self) -> None:
        with pytest.raises(InvalidInput, match="cannot be read"):
            read_trace("/nowhere.csv")
