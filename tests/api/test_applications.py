import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from perdure.errors import NoSpace, NotFound, Refused
from spec.status import RunPhase
from store.revisions import Revision
from store.store import Store
from tests.api.fake_runs import FakeRuns, run_status
from tests.api.test_errors import SERVICE

VALUE = "hf_aVerySecretValue"
RUNS, PLANS = "/projects/main/runs", "/projects/main/plans"


def call(**properties: Any) -> dict[str, Any]:
    return {"configuration": SERVICE | properties}


async def apply(
    client: httpx.AsyncClient, body: dict[str, Any], key: str | None = None
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(RUNS, json=body, headers=headers)


class TestPlan:
    async def test_knows_names_and_digests_and_no_values(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        secret = {"env": {"TOKEN": VALUE}, "registry_auth": {"username": "u", "password": VALUE}}
        assert (await alice.post(PLANS, json=call(**secret))).status_code == 200
        (order,) = runs.orders
        assert order.spec.configuration.env == {"TOKEN": None}
        assert order.spec.configuration.registry_auth is None
        assert set(order.spec.digests) == {"env.TOKEN", "registry_auth"}
        assert VALUE not in order.model_dump_json()

    async def test_stores_nothing(
        self, alice: httpx.AsyncClient, content: Callable[[], bytes]
    ) -> None:
        before = content()
        await alice.post(PLANS, json=call(env={"TOKEN": VALUE}))
        assert content() == before

    async def test_makes_up_a_name(self, alice: httpx.AsyncClient) -> None:
        answer = await alice.post(PLANS, json=call(name=None))
        assert re.fullmatch(r"[a-z]+-[a-z]+-\d+", answer.json()["name"])

    async def test_digests_differ_by_value_by_variable_and_by_run(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        for properties in (
            {"env": {"A": "1", "B": "1"}},
            {"env": {"A": "1", "B": "2"}},
            {"env": {"A": "1", "B": "1"}, "name": "other"},
        ):
            await alice.post(PLANS, json=call(**properties))
        first, second, third = (order.spec.digests for order in runs.orders)
        assert first["env.A"] != first["env.B"]
        assert first["env.A"] == second["env.A"]
        assert first["env.B"] != second["env.B"]
        assert first["env.A"] != third["env.A"]

    async def test_says_which_resources_were_asked_for(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        await alice.post(PLANS, json=call())
        await alice.post(PLANS, json=call(resources={"memory": "1GB..", "cpu": 1}))
        assert [order.spec.requested for order in runs.orders] == [(), ("cpu", "memory")]

    @pytest.mark.parametrize(
        ("env", "code", "named"),
        [
            ({"TOKEN": None}, "missing_variable", "`TOKEN`"),
            ({"A": "${{ env.OTHER }}"}, "missing_variable", "`OTHER`"),
            ({"A": "${{ secrets.NONE }}"}, "unknown_secret", "`NONE`"),
        ],
    )
    async def test_refuses_what_has_no_value(
        self, alice: httpx.AsyncClient, env: dict[str, Any], code: str, named: str
    ) -> None:
        error = (await alice.post(PLANS, json=call(env=env))).json()["error"]
        assert error["code"] == code
        assert named in error["message"]


class TestOffers:
    async def test_hold_to_the_resources_that_were_asked_for(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        offers = "/projects/main/offers"
        await alice.post(offers, json=call())
        await alice.post(offers, json=call(resources={"cpu": "64..", "disk": "5TB.."}))
        assert [order.spec.requested for order in runs.orders] == [(), ("cpu", "disk")]


class TestApply:
    async def test_tells_where_the_service_will_answer(self, alice: httpx.AsyncClient) -> None:
        applied = (await apply(alice, call(model="llama"))).json()
        assert applied["url"] == "http://localhost:3000/proxy/services/main/app/"
        assert applied["model_url"] == "http://localhost:3000/proxy/models/main/"
        assert (applied["name"], applied["action"]) == ("app", "create")

    async def test_seals_the_values_before_temporal_hears_of_it(
        self,
        alice: httpx.AsyncClient,
        runs: FakeRuns,
        store: Store,
        content: Callable[[], bytes],
    ) -> None:
        await store.secrets.set("main", "HF", "in-the-store")
        env = {"TOKEN": VALUE, "HF_TOKEN": "${{ secrets.HF }}"}
        await apply(alice, call(env=env))
        ((_, _, request, _),) = runs.applied
        assert VALUE not in request.model_dump_json()
        assert (await store.envelopes.open(request.spec.sealed, "main", "app")).env == env
        kept = content()
        assert request.spec.sealed.encode() in kept
        assert VALUE.encode() not in kept
        assert base64.b64encode(VALUE.encode())[:-4] not in kept

    async def test_same_key_gets_the_same_answer_and_is_done_once(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        first = await apply(alice, call(name=None), key="k")
        again = await apply(alice, call(name=None), key="k")
        assert first.json() == again.json()
        assert len(runs.applied) == 1

    async def test_same_key_for_something_else_is_a_conflict(
        self, alice: httpx.AsyncClient
    ) -> None:
        await apply(alice, call(), key="k")
        assert (await apply(alice, call(port=8001), key="k")).status_code == 409

    async def test_lost_request_is_sent_again_under_the_same_update(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store
    ) -> None:
        runs.breaks_before_apply = True
        assert (await apply(alice, call(env={"A": VALUE}), key="k")).status_code == 500
        (sealed,) = await store.envelopes.all_values()
        runs.breaks_before_apply = False
        assert (await apply(alice, call(env={"A": VALUE}), key="k")).status_code == 200
        ((_, _, request, update),) = runs.applied
        assert request.spec.sealed == update
        assert await store.envelopes.open(update, "main", "app") == sealed

    @pytest.mark.parametrize("phase", [RunPhase.RUNNING, RunPhase.FAILED])
    async def test_lost_answer_is_asked_for_and_nothing_is_done_again(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store, phase: RunPhase
    ) -> None:
        """However the clocks of Temporal and the API differ, and whatever lives by that name."""
        runs.breaks_after_apply = True
        assert (await apply(alice, call(), key="k")).status_code == 500
        runs.breaks_after_apply = False
        for submitted_at in (datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)):
            runs.know(run_status(phase=phase, incarnation="later", submitted_at=submitted_at))
            applied = (await apply(alice, call(), key="k")).json()
            assert applied["accepted"]["incarnation"] == "life1"
        assert len(runs.applied) == 1
        assert [each.number for each in await store.revisions.of("main", "app")] == [1]

    async def test_lost_answer_leaves_the_values_in_use_whatever_is_missing_since(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store
    ) -> None:
        await store.secrets.set("main", "HF", "in-the-store")
        body = call(env={"A": "${{ secrets.HF }}"})
        runs.breaks_after_apply = True
        await apply(alice, body, key="k")
        await store.secrets.delete("main", "HF")
        assert (await apply(alice, body, key="k")).status_code == 200
        assert len(await store.envelopes.all_values()) == 1

    async def test_what_fails_after_the_run_has_accepted_leaves_its_values(
        self,
        alice: httpx.AsyncClient,
        store: Store,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def full(revision: Revision) -> None:
            raise NoSpace("The disk is full.")

        with monkeypatch.context() as patched:
            patched.setattr(store.revisions, "append", full)
            assert (await apply(alice, call(env={"A": VALUE}), key="k")).status_code == 507
        (sealed,) = await store.envelopes.all_values()
        assert sealed.env == {"A": VALUE}
        assert (await apply(alice, call(env={"A": VALUE}), key="k")).status_code == 200

    @pytest.mark.parametrize(("sealed", "kept"), [("another", False), (None, True), ("", True)])
    async def test_values_go_when_the_run_uses_others(
        self,
        alice: httpx.AsyncClient,
        runs: FakeRuns,
        store: Store,
        sealed: str | None,
        kept: bool,
    ) -> None:
        """Whichever revision it is: the run tells, unless it is too old."""
        runs.sealed = sealed
        runs.answer = runs.answer.model_copy(update={"revision": 2})
        answer = (await apply(alice, call(env={"A": VALUE}))).json()
        assert len(await store.envelopes.all_values()) == kept
        (revision,) = await store.revisions.of("main", "app")
        ((_, _, _, update),) = runs.applied
        assert revision.spec.sealed == (sealed or update)
        assert answer["accepted"]["sealed"] == ""

    @pytest.mark.parametrize(("changed", "action"), [(True, "update"), (False, "nothing")])
    async def test_what_was_done_is_what_the_run_tells(
        self, alice: httpx.AsyncClient, runs: FakeRuns, changed: bool, action: str
    ) -> None:
        runs.answer = runs.answer.model_copy(update={"revision": 2, "changed": changed})
        assert (await apply(alice, call())).json()["action"] == action

    async def test_more_than_a_workflow_holds_is_too_large(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        answer = await apply(alice, call(env={f"N{number}": "" for number in range(5_000)}))
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
        assert runs.applied == []

    async def test_refused_one_leaves_nothing_and_frees_its_key(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store
    ) -> None:
        runs.failure = Refused("No such backend.")
        assert (await apply(alice, call(env={"A": VALUE}), key="k")).status_code == 422
        ((_, _, request, _),) = runs.applied
        with pytest.raises(NotFound):
            await store.envelopes.open(request.spec.sealed, "main", "app")
        runs.failure = None
        assert (await apply(alice, call(env={"A": "other"}), key="k")).status_code == 200

    @pytest.mark.parametrize(
        ("phase", "told"),
        [
            (RunPhase.RUNNING, [("refused", "It stays as it is. No such backend.")]),
            (RunPhase.FAILED, []),
            (None, []),
        ],
    )
    async def test_refused_one_is_told_of_by_the_run_that_lives(
        self,
        alice: httpx.AsyncClient,
        runs: FakeRuns,
        phase: RunPhase | None,
        told: list[tuple[str, str]],
    ) -> None:
        if phase is not None:
            runs.known["main", "app"] = run_status(phase=phase)
        runs.failure = Refused("No such backend.")
        for _ in range(len(told) + 1):
            assert (await apply(alice, call())).status_code == 422
        answer = await alice.get(f"{RUNS}/app/decisions")
        decisions = answer.json() if answer.is_success else []
        assert [(each["rule"], each["outcome"]) for each in decisions] == 2 * told
        assert all(each["inputs"]["asked_by"] == "alice" for each in decisions)

    async def test_code_must_have_been_uploaded(self, alice: httpx.AsyncClient) -> None:
        body = call() | {"code": {"sha256": "0" * 64, "size": 3}}
        error = (await apply(alice, body)).json()["error"]
        assert "code" in error["message"]

    async def test_revision_is_remembered_with_who_made_it(
        self, alice: httpx.AsyncClient, store: Store
    ) -> None:
        await apply(alice, call())
        (revision,) = await store.revisions.of("main", "app")
        assert (revision.number, revision.user, revision.incarnation) == (1, "alice", "life1")

    async def test_proxies_hear_of_the_run(self, alice: httpx.AsyncClient, store: Store) -> None:
        before = await store.changes.latest()
        await apply(alice, call())
        (started,) = (await store.changes.feed(before)).started
        assert (started.project, started.run) == ("main", "app")


class TestRuns:
    async def test_are_listed_with_their_addresses(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        runs.know(run_status("one", model="llama"))
        runs.know(run_status("two", RunPhase.DONE))
        runs.know(run_status("three", project="team"))
        (one,) = (await alice.get(RUNS)).json()
        assert (one["name"], one["model_url"]) == (
            "one",
            "http://localhost:3000/proxy/models/main/",
        )
        ended = (await alice.get(RUNS, params={"all": "true"})).json()
        assert [run["name"] for run in ended] == ["one", "two"]
        everywhere = (await alice.get("/runs")).json()
        assert [run["name"] for run in everywhere] == ["one"]

    async def test_unknown_ones_are_not_found(self, alice: httpx.AsyncClient) -> None:
        for path in ("app", "app/events", "app/logs", "app/logs?follow=true"):
            assert (await alice.get(f"{RUNS}/{path}")).status_code == 404
        assert (await alice.post(f"{RUNS}/app/stop", json={})).status_code == 404

    async def test_are_stopped(self, alice: httpx.AsyncClient, runs: FakeRuns) -> None:
        runs.know(run_status())
        assert (await alice.post(f"{RUNS}/app/stop", json={"abort": True})).status_code == 200
        assert runs.stopped == [("app", True)]

    async def test_project_in_which_one_lives_is_not_deleted(
        self, admin: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        runs.know(run_status())
        assert (await admin.delete("/projects/main")).status_code == 409


class TestSecrets:
    async def test_come_in_by_value_and_out_by_name(self, admin: httpx.AsyncClient) -> None:
        kept = await admin.put("/projects/main/secrets/KEY", json={"value": VALUE})
        listed = await admin.get("/projects/main/secrets")
        assert [secret["name"] for secret in listed.json()] == ["KEY"]
        assert VALUE not in kept.text + listed.text
        assert (await admin.delete("/projects/main/secrets/KEY")).status_code == 204
        assert (await admin.delete("/projects/main/secrets/KEY")).status_code == 404
