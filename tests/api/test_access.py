from pathlib import Path

import httpx
import pytest

import api
from api.services import Services
from spec.people import GlobalRole, ProjectRole
from store.store import Store
from store.tokens import Caller
from tests.api.fake_runs import FakeRuns, run_status

API = Path(api.__file__).parent
ANY_PATHS = ("/me", "/projects/main/runs", "/projects/nowhere/runs", "/no/such/path")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


class TestAuthentication:
    @pytest.mark.parametrize("path", ANY_PATHS)
    async def test_comes_before_everything(self, anonymous: httpx.AsyncClient, path: str) -> None:
        answer = await anonymous.get(path)
        assert code(answer) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    async def test_comes_before_the_body_is_read(self, anonymous: httpx.AsyncClient) -> None:
        answer = await anonymous.post("/projects/main/runs", content=b"{not json")
        assert code(answer) == (401, "unauthenticated")

    @pytest.mark.parametrize(
        "header", ["Bearer wrong", "Bearer", "Basic YTpi", "wrong", "Bearer \u00e4"]
    )
    async def test_of_a_bad_token_is_answered_like_none(
        self, anonymous: httpx.AsyncClient, header: str
    ) -> None:
        none = await anonymous.get("/me")
        bad = await anonymous.get("/me", headers=[(b"authorization", header.encode("latin-1"))])
        assert (bad.status_code, bad.content) == (none.status_code, none.content)

    async def test_is_not_needed_for_health(self, anonymous: httpx.AsyncClient) -> None:
        for path in ("/healthz", "/readyz"):
            assert (await anonymous.get(f"http://api{path}")).status_code == 200

    async def test_is_not_needed_to_hear_that_temporal_or_the_store_is_away(
        self,
        anonymous: httpx.AsyncClient,
        services: Services,
        runs: FakeRuns,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def away() -> str:
            return "The store at db.internal does not answer."

        runs.away = "Temporal does not answer."
        assert (await services.look()).missing == {"temporal": "Temporal does not answer."}
        answer = await anonymous.get("http://api/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
        runs.away = ""
        monkeypatch.setattr(services.store, "problem", away)
        answer = await anonymous.get("http://api/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})

    async def test_tells_who_one_is(
        self, alice: httpx.AsyncClient, admin: httpx.AsyncClient, store: Store
    ) -> None:
        await store.projects.create("team", "admin")
        assert (await alice.get("/me")).json() == {
            "user": "alice",
            "role": "user",
            "projects": ["main"],
        }
        assert (await admin.get("/me")).json()["projects"] == ["main", "team"]


class TestProjects:
    async def test_strangers_do_not_learn_which_exist(self, stranger: httpx.AsyncClient) -> None:
        there = await stranger.get("/projects/main/runs")
        nowhere = await stranger.get("/projects/nowhere/runs")
        assert code(there) == (403, "forbidden")
        assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)

    async def test_admins_of_the_server_do(self, admin: httpx.AsyncClient) -> None:
        assert code(await admin.get("/projects/nowhere/runs")) == (404, "not_found")

    async def test_are_made_by_anybody_and_entered_by_members(
        self, alice: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        made = await alice.post("/projects", json={"name": "team"})
        assert (made.status_code, made.json()["role"]) == (201, "admin")
        assert (await stranger.get("/projects/team")).status_code == 403
        added = await alice.put("/projects/team/members/eve", json={"role": "manager"})
        assert added.status_code == 200
        shown = (await stranger.get("/projects/team")).json()
        assert (shown["role"], [member["user"] for member in shown["members"]]) == (
            "manager",
            ["alice", "eve"],
        )
        assert [p["name"] for p in (await stranger.get("/projects")).json()] == ["team"]
        assert (await alice.delete("/projects/team")).status_code == 204
        assert (await stranger.get("/projects/team")).status_code == 403

    @pytest.mark.parametrize("name", ["", "Upper", "a/b", "-a", "a" * 51, "ä"])
    async def test_bad_names_are_refused(self, admin: httpx.AsyncClient, name: str) -> None:
        assert (await admin.post("/projects", json={"name": name})).status_code == 422

    @pytest.mark.parametrize(
        ("role", "allowed"),
        [
            (ProjectRole.USER, (True, True, False, False, False, False, False)),
            (ProjectRole.MANAGER, (True, True, True, True, False, False, False)),
            (ProjectRole.ADMIN, (True, True, True, True, True, True, True)),
        ],
    )
    async def test_each_role_may_do_its_part(
        self,
        role: ProjectRole,
        allowed: tuple[bool, ...],
        alice: httpx.AsyncClient,
        stranger: httpx.AsyncClient,
        store: Store,
    ) -> None:
        await store.projects.create("team", "admin")
        await store.projects.set_member("team", "alice", role)
        done = [
            await alice.get("/projects/team/runs"),
            await alice.get("/projects/team/secrets"),
            await alice.put("/projects/team/secrets/KEY", json={"value": "v"}),
            await alice.put("/projects/team/members/eve", json={"role": "user"}),
            await alice.put("/projects/team/members/admin", json={"role": "user"}),
            await alice.put("/projects/team/members/eve", json={"role": "admin"}),
            await alice.delete("/projects/team"),
        ]
        statuses = [answer.status_code for answer in done]
        assert tuple(status in (200, 204) for status in statuses) == allowed
        assert set(statuses) <= {200, 204, 403}


class TestUsers:
    async def test_are_managed_by_admins_only(self, alice: httpx.AsyncClient) -> None:
        for answer in (
            await alice.get("/users"),
            await alice.post("/users", json={"name": "bob"}),
            await alice.put("/users/alice", json={"role": "admin"}),
            await alice.delete("/users/admin"),
            await alice.get("/users/admin/tokens"),
            await alice.post("/users/admin/tokens", json={"name": "x"}),
        ):
            assert code(answer) == (403, "forbidden")

    async def test_live_from_creation_to_deletion(self, admin: httpx.AsyncClient) -> None:
        assert (await admin.post("/users", json={"name": "bob"})).status_code == 201
        assert code(await admin.post("/users", json={"name": "bob"})) == (409, "already_exists")
        changed = await admin.put("/users/bob", json={"role": "admin"})
        assert changed.json()["role"] == "admin"
        assert [user["name"] for user in (await admin.get("/users")).json()] == ["admin", "bob"]
        assert (await admin.delete("/users/bob")).status_code == 204
        assert code(await admin.delete("/users/bob")) == (404, "not_found")

    async def test_leave_their_runs_running(
        self, admin: httpx.AsyncClient, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        runs.know(run_status())
        assert (await admin.delete("/users/alice")).status_code == 204
        assert (await alice.get("/me")).status_code == 401
        assert runs.stopped == []
        (run,) = (await admin.get("/projects/main/runs")).json()
        assert run["status"] == "running"

    async def test_token_is_shown_once_and_works_until_revoked(
        self, alice: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        made = (await alice.post("/users/alice/tokens", json={"name": "ci"})).json()
        headers = {"Authorization": f"Bearer {made['value']}"}
        assert (await anonymous.get("/me", headers=headers)).json()["user"] == "alice"
        listed = await alice.get("/users/alice/tokens")
        assert made["id"] in {token["id"] for token in listed.json()}
        assert made["value"] not in listed.text
        assert (await alice.delete(f"/users/alice/tokens/{made['id']}")).status_code == 204
        assert (await anonymous.get("/me", headers=headers)).status_code == 401

    @pytest.mark.parametrize("expires_at", ["2020-01-01T00:00:00Z", "2030-01-01T00:00:00", "soon"])
    async def test_token_of_the_past_or_of_no_time_zone_is_refused(
        self, admin: httpx.AsyncClient, expires_at: str
    ) -> None:
        asked = {"name": "x", "expires_at": expires_at}
        answer = await admin.post("/users/admin/tokens", json=asked)
        assert code(answer) == (422, "invalid_input")


def caller(role: GlobalRole) -> Caller:
    projects = {"main": ProjectRole.USER}
    return Caller(user="ann", token="t", role=role, projects=projects)


@pytest.mark.parametrize(
    ("role", "inside", "elsewhere", "others"),
    [
        (GlobalRole.USER, ProjectRole.USER, None, False),
        (GlobalRole.ADMIN, ProjectRole.ADMIN, ProjectRole.ADMIN, True),
    ],
)
def test_what_a_caller_may_see_is_one_rule(
    role: GlobalRole, inside: ProjectRole, elsewhere: ProjectRole | None, others: bool
) -> None:
    held = caller(role)
    assert held.administers is others
    assert (held.role_in("main"), held.role_in("team")) == (inside, elsewhere)
    assert (held.sees("main"), held.sees("team")) == (True, others)
    assert (held.may_act_for("ann"), held.may_act_for("bob")) == (True, others)


def test_no_other_place_of_the_api_asks_what_an_admin_is() -> None:
    asking = [
        str(path.relative_to(API))
        for path in API.rglob("*.py")
        if "GlobalRole.ADMIN" in path.read_text()
    ]
    assert asking == []
