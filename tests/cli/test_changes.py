"""`scale`, `rollback`: changes that take no configuration."""

from datetime import timedelta
from typing import Any

import pytest

from cli.run_table import run_table
from cli.terminal import UNBOUNDED
from spec.offer import Refusal, RefusalKind
from spec.plan import Change, FieldChange, PlanAction
from spec.run_status import RevertedStatus
from spec.scale import Override
from spec.status import RunPhase
from spec.submission import RunView
from tests.cli.conftest import Perdure
from tests.cli.fake_server import LONG_AGO, URL, FakeServer, plan, replica, run
from tests.cli.screen import drawn, shown_blocks

BACK = plan(
    action=PlanAction.UPDATE,
    check="life1.2",
    total_offers=1,
    changes=(
        FieldChange(field="replicas", old="2", new="1", change=Change.IN_PLACE),
        FieldChange(field="image", old="app:2", new="app:1", change=Change.BY_REPLACEMENT),
    ),
)
DONE = run(
    RunPhase.RUNNING, replica(deployment=3), revision=3, deployment=3, desired=1, incarnation=""
)


class TestScale:
    def test_sets_a_number_until_it_is_taken_back(
        self, server: FakeServer, perdure: Perdure
    ) -> None:
        said = perdure("scale", "llm", "3")
        assert said.code == 0, said.err
        assert said.err == (
            "The replicas of llm are set to 3. `perdure scale llm --auto` takes that back.\n"
        )
        said = perdure("scale", "llm", "--auto")
        assert said.code == 0, said.err
        assert said.err == (
            "The run llm has its number from its configuration again: 2 replicas are wanted now.\n"
        )
        assert server.scaled == [("llm", {"replicas": 3}), ("llm", {})]

    def test_sets_a_number_for_a_while(self, server: FakeServer, perdure: Perdure) -> None:
        said = perdure("scale", "llm", "0", "--for", "1h")
        assert said.code == 0, said.err
        assert "set to 0 until 20" in said.err
        assert server.scaled == [("llm", {"replicas": 0, "seconds": 3600})]

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ([], "It is either a number of replicas or `--auto`."),
            (["3", "--auto"], "It is either a number of replicas or `--auto`."),
            (["--auto", "--for", "1h"], "`--for` is for a number of replicas."),
            (["3", "--for", "soon"], "`soon` is no duration."),
            (["3", "--for", "0"], "`0` is no duration."),
            (["many"], "Invalid value for 'N'"),
        ],
    )
    def test_wrong_usage_is_told_and_asks_nothing(
        self, server: FakeServer, perdure: Perdure, arguments: list[str], told: str
    ) -> None:
        said = perdure("scale", "llm", *arguments)
        assert (said.code, server.scaled) == (2, [])
        assert told in said.err

    def test_what_the_run_refuses_is_told(self, server: FakeServer, perdure: Perdure) -> None:
        server.refusal = (422, "refused", "3 replicas are too many.", "The most are 1.")
        said = perdure("scale", "llm", "3")
        assert said.code == 1
        assert said.err == "error: 3 replicas are too many. [refused]\nhint: The most are 1.\n"
        assert perdure("scale", "nobody", "3").code == 3


class TestRollback:
    def test_shows_what_changes_does_it_and_stays(
        self, server: FakeServer, perdure: Perdure, in_zone: Any
    ) -> None:
        in_zone("UTC")
        server.plan, server.states = BACK, [DONE]
        said = perdure("rollback", "llm", "-y")
        assert said.code == 0, said.err
        [shown] = shown_blocks(" Project  main\n Run      llm")
        assert said.out.startswith(f"\n{shown}Service is published at:\n  {URL}\n")
        assert said.err.endswith("The run llm is updated: revision 3 serves, 1 replica.\n")
        [(key, body)] = server.rolled_back
        assert len(key) > 20
        assert body == {"to": 2, "check": "life1.2"}
        assert server.rollbacks_asked == [{}]

    def test_a_detached_one_returns_at_once(self, server: FakeServer, perdure: Perdure) -> None:
        server.plan, server.runs = BACK, [DONE]
        said = perdure("rollback", "llm", "--to", "2", "-y", "-d")
        assert said.code == 0, said.err
        assert server.rollbacks_asked == [{"to": "2"}]
        assert "updated" not in said.err
        assert f"Service is published at:\n  {URL}\n" in said.out

    def test_a_lost_answer_is_asked_for_under_the_same_key(
        self, server: FakeServer, perdure: Perdure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cli.persistence.PAUSE", 0.01)
        server.plan, server.states, server.lost_answers = BACK, [DONE], 2
        assert perdure("rollback", "llm", "-y").code == 0
        assert len(server.rolled_back) == 3
        assert len({key for key, _ in server.rolled_back}) == 1

    def test_what_is_the_same_changes_nothing(self, server: FakeServer, perdure: Perdure) -> None:
        server.plan = plan(action=PlanAction.NOTHING)
        said = perdure("rollback", "llm", "--to", "2", "-y")
        assert said.code == 0, said.err
        assert said.err.endswith("The run llm is as it was in revision 2: nothing changes.\n")
        assert server.rolled_back == []

    def test_what_cannot_be_is_told_and_nothing_is_done(
        self, server: FakeServer, perdure: Perdure
    ) -> None:
        server.refusal = (409, "conflict", "The run `llm` has nothing to go back to.", "")
        said = perdure("rollback", "llm", "-y")
        assert said.code == 1
        assert said.err == "error: The run `llm` has nothing to go back to. [conflict]\n"
        server.refusal = None
        assert perdure("rollback", "nobody", "-y").code == 3
        refusal = Refusal(kind=RefusalKind.STATE, subject="llm", message="It cannot be changed.")
        server.plan = BACK.model_copy(update={"refusals": (refusal,)})
        said = perdure("rollback", "llm", "-y")
        assert (said.code, "[refused]" in said.err) == (1, True)
        assert server.rolled_back == []

    def test_without_a_terminal_the_answer_must_be_given_in_advance(
        self, server: FakeServer, perdure: Perdure
    ) -> None:
        said = perdure("rollback", "llm")
        assert said.code == 2
        assert said.err.endswith("hint: Answer in advance with `-y`.\n")
        assert server.rollbacks_asked == []


def _row(found: RunView) -> str:
    return drawn(run_table([found], LONG_AGO), width=UNBOUNDED)[1]


@pytest.mark.parametrize(
    ("until", "shown"),
    [
        (None, "running (set to 3)"),
        (LONG_AGO + timedelta(hours=14, minutes=5), "running (set to 3 until 14:05)"),
        (LONG_AGO + timedelta(days=2), "running (set to 3 until 2026-01-03 00:00)"),
    ],
)
def test_a_number_that_was_set_is_shown(in_zone: Any, until: Any, shown: str) -> None:
    in_zone("UTC")
    override = Override(replicas=3, until=until)
    assert f"  {shown}  " in _row(run(RunPhase.RUNNING, replica(), override=override))
    ended = run(RunPhase.DONE, override=override)
    assert "set to" not in _row(ended)


def test_an_update_that_was_undone_is_shown_with_its_reason_below(
    server: FakeServer, perdure: Perdure
) -> None:
    reverted = RevertedStatus(
        revision=3, at=LONG_AGO, message="error: It is.", code="host_error", hint="Look."
    )
    server.runs = [run(RunPhase.RUNNING, replica(), reverted=reverted)]
    assert "running (revision 3 undone)" in perdure("ps").out
    assert perdure("ps", "-v").out.endswith(
        "llm: the update to revision 3 was undone: error: It is. [host_error]\n  hint: Look.\n"
    )
