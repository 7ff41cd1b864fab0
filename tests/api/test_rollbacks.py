"""Rollbacks, and numbers of replicas set by hand."""

from typing import Any

import httpx
import pytest

from perdure.errors import PlanChanged, Refused
from policy.rollout import reverted
from spec.deeds import DecisionBatch
from spec.deployment import Deployment
from spec.run_spec import CodeArchive, RunSpec
from spec.scale import ScaleRequest
from spec.sealed import SealedValues
from spec.status import RunPhase
from store.store import Store
from tests.api.fake_runs import FakeRuns, run_state, run_status
from tests.api.test_applications import RUNS, VALUE, apply, call
from tests.policy.making import NOW, record

ROLLBACK, SCALE = f"{RUNS}/app/rollback", f"{RUNS}/app/scale"


async def applied(
    client: httpx.AsyncClient, runs: FakeRuns, *all_properties: dict[str, Any], life: str = "life1"
) -> list[RunSpec]:
    """Apply each, one after the other; the run is the last one then."""
    known = len(runs.applied)
    for number, properties in enumerate(all_properties, start=1):
        update = {"revision": number, "incarnation": life}
        runs.answer = runs.answer.model_copy(update=update)
        assert (await apply(client, call(**properties))).status_code == 200
    specs = [request.spec for _, _, request, _ in runs.applied[known:]]
    is_now(runs, specs[-1], revision=len(specs), life=life)
    runs.answer = runs.answer.model_copy(update={"revision": len(specs) + 1})
    return specs


def is_now(runs: FakeRuns, spec: RunSpec, *, revision: int, life: str = "life1") -> None:
    runs.know(run_status(incarnation=life))
    state = run_state(spec, revision=revision, incarnation=life)
    runs.states["main", "app"] = state


async def roll_back(client: httpx.AsyncClient, key: str | None = None, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(ROLLBACK, json=body, headers=headers)


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


class TestPlan:
    async def test_goes_to_the_last_revision_that_was_different(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        await applied(alice, runs, {"port": 1}, {"port": 2}, {"port": 3}, {"port": 3})
        answer = (await alice.get(ROLLBACK)).json()
        assert (answer["revision"], answer["user"]) == (2, "alice")
        assert answer["plan"]["name"] == "app"
        order = runs.orders[-1]
        assert order.spec.configuration.port == 2
        assert order.current == runs.states["main", "app"]

    async def test_a_change_that_was_made_in_place_is_taken_back_too(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        await applied(alice, runs, {"replicas": 1}, {"replicas": 2})
        assert (await alice.get(ROLLBACK)).json()["revision"] == 1

    async def test_back_from_a_rollback_is_to_what_was_before_it(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        await applied(alice, runs, {"port": 1}, {"port": 2})
        assert (await roll_back(alice, to=1)).status_code == 200
        is_now(runs, runs.applied[-1][2].spec, revision=3)
        assert (await alice.get(ROLLBACK)).json()["revision"] == 2

    async def test_what_was_undone_is_not_gone_back_to(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        """The run became revision 4 by itself, which is what revision 2 was."""
        specs = await applied(alice, runs, {"port": 1}, {"port": 2}, {"port": 3})
        is_now(runs, specs[1], revision=4)
        assert (await alice.get(ROLLBACK)).json()["revision"] == 1
        is_now(runs, specs[0], revision=4)
        status, code, message = error_of(await alice.get(ROLLBACK))
        assert (status, code) == (409, "conflict")
        assert message == "The run `app` has nothing to go back to."
        assert (await alice.get(ROLLBACK, params={"to": 3})).status_code == 200

    async def test_what_was_undone_before_a_rollback_is_not_gone_back_to_either(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store
    ) -> None:
        """Revision 3, and what was changed in place meanwhile, were undone: the run became 5."""
        ports = [{"port": port} for port in (1, 2, 3, 4)]
        specs = await applied(alice, runs, *ports)
        state = run_state(specs[3], revision=4).model_copy(
            update={"deployment": 3, "good": Deployment(revision=2, spec=specs[1])}
        )
        told = reverted(state, record(0, phase="failed", reason="error"), NOW)
        await store.decisions.keep(
            DecisionBatch(
                project="main", run="app", incarnation="life1", decisions=told.decisions, at=NOW
            )
        )
        is_now(runs, specs[1], revision=5)
        runs.answer = runs.answer.model_copy(update={"revision": 6})
        assert (await roll_back(alice, to=1)).status_code == 200
        is_now(runs, specs[0], revision=6)
        assert (await alice.get(ROLLBACK)).json()["revision"] == 2

    async def test_revisions_of_an_earlier_life_are_not_the_runs(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        await applied(alice, runs, {"port": 1}, {"port": 2})
        await applied(alice, runs, {"port": 3}, life="life2")
        assert (await alice.get(ROLLBACK)).status_code == 409
        status, code, message = error_of(await alice.get(ROLLBACK, params={"to": 2}))
        assert (status, code) == (404, "not_found")
        assert message == "The run `app` has no revision 2 to go back to."

    async def test_other_values_of_variables_are_another_configuration(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        await applied(alice, runs, {"env": {"A": "1"}}, {"env": {"A": VALUE}})
        answer = await alice.get(ROLLBACK)
        assert answer.json()["revision"] == 1
        assert VALUE not in answer.text

    @pytest.mark.parametrize("phase", [None, RunPhase.TERMINATED])
    async def test_a_run_that_does_not_live_is_not_rolled_back(
        self, alice: httpx.AsyncClient, runs: FakeRuns, phase: RunPhase | None
    ) -> None:
        if phase is not None:
            runs.know(run_status(phase=phase))
        expected = (404, "not_found") if phase is None else (409, "conflict")
        assert error_of(await alice.get(ROLLBACK))[:2] == expected
        assert error_of(await roll_back(alice, to=1))[:2] == expected


class TestRollback:
    async def test_applies_the_revision_as_it_was_with_its_values_of_then(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store
    ) -> None:
        specs = await applied(alice, runs, {"env": {"A": VALUE}}, {"env": {"A": "other"}})
        answer = (await roll_back(alice, to=1, check="life1.2")).json()
        assert (answer["name"], answer["action"]) == ("app", "update")
        _, _, request, _ = runs.applied[-1]
        assert (request.spec, request.check) == (specs[0], "life1.2")
        sealed = await store.envelopes.open(specs[0].sealed, "main", "app")
        assert sealed == SealedValues(env={"A": VALUE})
        newest, *_ = sorted(
            await store.revisions.of("main", "app"), key=lambda each: each.number, reverse=True
        )
        assert (newest.number, newest.spec, newest.user) == (3, specs[0], "alice")

    async def test_without_a_check_it_is_for_what_runs_now(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        await applied(alice, runs, {"port": 1}, {"port": 2})
        await roll_back(alice, to=1)
        assert runs.applied[-1][2].check == "life1.2"

    async def test_same_key_is_done_once(self, alice: httpx.AsyncClient, runs: FakeRuns) -> None:
        await applied(alice, runs, {"port": 1}, {"port": 2})
        first = await roll_back(alice, "k", to=1)
        assert first.json() == (await roll_back(alice, "k", to=1)).json()
        assert len(runs.applied) == 3
        assert (await roll_back(alice, "k", to=2)).status_code == 409

    async def test_lost_answer_is_asked_for_even_if_the_run_has_ended_since(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store
    ) -> None:
        specs = await applied(alice, runs, {"port": 1}, {"port": 2})
        runs.breaks_after_apply = True
        assert (await roll_back(alice, "k", to=1)).status_code == 500
        runs.states.clear()
        assert (await roll_back(alice, "k", to=1)).status_code == 200
        assert len(runs.applied) == 3
        found = {each.number: each.spec for each in await store.revisions.of("main", "app")}
        assert found[3] == specs[0]

    async def test_what_is_refused_leaves_the_values_of_then_and_frees_its_key(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store
    ) -> None:
        specs = await applied(alice, runs, {"env": {"A": VALUE}}, {"port": 2})
        runs.failure = PlanChanged("The run has changed.")
        answer = await roll_back(alice, "k", to=1, check="life1.1")
        assert error_of(answer)[:2] == (409, "plan_changed")
        runs.failure = None
        assert (await store.envelopes.open(specs[0].sealed, "main", "app")).env == {"A": VALUE}
        assert (await roll_back(alice, "k", to=1)).status_code == 200

    async def test_what_is_gone_since_is_told_before_the_run_hears_of_it(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store
    ) -> None:
        await store.secrets.set("main", "HF", "in-the-store")
        specs = await applied(alice, runs, {"env": {"A": "${{ secrets.HF }}"}}, {"port": 2})
        await store.secrets.delete("main", "HF")
        assert error_of(await roll_back(alice, to=1))[:2] == (422, "unknown_secret")
        await store.envelopes.forget([specs[0].sealed])
        assert error_of(await roll_back(alice, to=1))[:2] == (404, "not_found")
        assert len(runs.applied) == 2

    async def test_code_that_is_gone_is_told(
        self,
        alice: httpx.AsyncClient,
        runs: FakeRuns,
        store: Store,
    ) -> None:
        await applied(alice, runs, {"port": 1}, {"port": 2})
        first = next(each for each in await store.revisions.of("main", "app") if each.number == 1)
        code = CodeArchive(sha256="0" * 64, size=1)
        spec = first.spec.model_copy(update={"code": code})
        await store.revisions.append(first.model_copy(update={"spec": spec}))
        status, code_of_error, message = error_of(await roll_back(alice, to=1))
        assert (status, code_of_error) == (409, "conflict")
        assert message.startswith("The code of that revision")


class TestScale:
    async def test_sets_a_number_for_a_while_and_takes_it_back(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        runs.know(run_status())
        answer = (await alice.post(SCALE, json={"replicas": 3, "seconds": 3600})).json()
        assert answer["override"]["replicas"] == 3
        assert (await alice.post(SCALE, json={})).json()["override"] is None
        assert runs.scaled == [
            ("app", ScaleRequest(replicas=3, seconds=3600)),
            ("app", ScaleRequest()),
        ]

    @pytest.mark.parametrize(
        "body",
        [
            {"replicas": -1},
            {"replicas": "3"},
            {"replicas": 10**9},
            {"replicas": 3, "seconds": 0},
            {"replicas": 3, "seconds": 10**12},
            {"seconds": 60},
            {"replicas": 3, "minutes": 1},
        ],
    )
    async def test_what_cannot_be_is_refused(
        self, alice: httpx.AsyncClient, runs: FakeRuns, body: dict[str, Any]
    ) -> None:
        runs.know(run_status())
        assert error_of(await alice.post(SCALE, json=body))[:2] == (422, "invalid_input")
        assert runs.scaled == []

    async def test_what_the_run_refuses_is_told(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        assert error_of(await alice.post(SCALE, json={"replicas": 3}))[:2] == (404, "not_found")
        runs.know(run_status())
        runs.failure = Refused(
            "Too many replicas, 101: a run may have no more.", hint="The most are 100."
        )
        assert error_of(await alice.post(SCALE, json={"replicas": 101}))[:2] == (422, "refused")


async def test_a_run_tells_of_its_updates(alice: httpx.AsyncClient, runs: FakeRuns) -> None:
    status = run_status().model_copy(
        update={"revision": 4, "deployment": 3, "desired": 2, "updating": True}
    )
    runs.know(status)
    told = (await alice.get(f"{RUNS}/app")).json()
    found = {each: told[each] for each in ("revision", "deployment", "desired", "updating")}
    assert found == {"revision": 4, "deployment": 3, "desired": 2, "updating": True}
    assert (told["reverted"], told["override"]) == (None, None)
