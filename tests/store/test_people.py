from datetime import timedelta

import pytest

from perdure.errors import AlreadyExists, Conflict, NotFound
from spec.people import GlobalRole, ProjectRole
from spec.route import TokenGrant
from store.applies import Applies
from store.store import Store
from store.tokens import digest
from tests.store.conftest import TOKEN, Clock


@pytest.fixture
async def alice(store: Store) -> str:
    await store.users.create("alice", GlobalRole.USER)
    token, _ = await store.tokens.create("alice", "laptop")
    return token.value


class TestTokens:
    async def test_value_is_not_kept(self, store: Store, alice: str, tmp_path: object) -> None:
        (token,) = await store.tokens.of("alice")
        assert alice not in token.model_dump_json()

    async def test_wrong_one_is_nobodys(self, store: Store) -> None:
        assert await store.tokens.caller("wrong") is None
        assert await store.tokens.caller("") is None

    async def test_revoked_one_opens_nothing(self, store: Store, alice: str) -> None:
        (token,) = await store.tokens.of("alice")
        await store.tokens.revoke("alice", token.id)
        assert await store.tokens.caller(alice) is None
        with pytest.raises(NotFound):
            await store.tokens.revoke("alice", token.id)

    async def test_only_the_owners_can_be_revoked(self, store: Store, alice: str) -> None:
        (token,) = await store.tokens.of("alice")
        with pytest.raises(NotFound):
            await store.tokens.revoke("admin", token.id)
        assert await store.tokens.caller(alice) is not None

    async def test_expired_one_opens_nothing(self, store: Store, clock: Clock) -> None:
        expires_at = clock.now + timedelta(hours=1)
        token, _ = await store.tokens.create("admin", "short", expires_at=expires_at)
        assert await store.tokens.caller(token.value) is not None
        clock.move(hours=1)
        assert await store.tokens.caller(token.value) is None
        assert await store.tokens.holder(token.id) is None

    async def test_of_a_deleted_user_opens_nothing(self, store: Store, alice: str) -> None:
        await store.users.delete("alice")
        assert await store.tokens.caller(alice) is None

    async def test_for_nobody_is_refused(self, store: Store) -> None:
        with pytest.raises(NotFound):
            await store.tokens.create("nobody", "x")

    async def test_scopes_are_kept_and_told(self, store: Store) -> None:
        await store.tokens.create(
            "admin", "narrow", scopes=["services:main/two", "services:main/one"]
        )
        (token,) = (each for each in await store.tokens.of("admin") if each.name == "narrow")
        assert token.scopes == ("services:main/one", "services:main/two")

    async def test_without_the_scope_api_is_not_for_the_api(self, store: Store) -> None:
        for scopes, expected in (
            (["api"], True),
            (["api", "services:main"], True),
            (["services:main"], False),
        ):
            token, _ = await store.tokens.create("admin", "t", scopes=scopes)
            caller = await store.tokens.caller(token.value)
            assert caller is not None
            assert caller.may_use_api is expected
            assert await store.tokens.holder(token.id) == caller


class TestUsers:
    async def test_name_is_taken_once(self, store: Store, alice: str) -> None:
        with pytest.raises(AlreadyExists) as told:
            await store.users.create("alice", GlobalRole.USER)
        assert "`perdure user list`" in told.value.hint

    async def test_last_admin_stays(self, store: Store, alice: str) -> None:
        with pytest.raises(Conflict):
            await store.users.delete("admin")
        with pytest.raises(Conflict):
            await store.users.set_role("admin", GlobalRole.USER)
        assert await store.tokens.caller(TOKEN) is not None
        await store.users.set_role("alice", GlobalRole.ADMIN)
        await store.users.delete("admin")
        assert [user.name for user in await store.users.all()] == ["alice"]


class TestProjects:
    async def test_creator_is_its_admin(self, store: Store, alice: str) -> None:
        await store.projects.create("team", "alice")
        project = await store.projects.find("team")
        assert project is not None
        assert [(m.user, m.role) for m in project.members] == [("alice", ProjectRole.ADMIN)]

    async def test_membership_opens_and_closes_it(self, store: Store, alice: str) -> None:
        await store.projects.set_member("main", "alice", ProjectRole.USER)
        caller = await store.tokens.caller(alice)
        assert caller is not None
        assert caller.projects == {"main": ProjectRole.USER}
        await store.projects.remove_member("main", "alice")
        caller = await store.tokens.caller(alice)
        assert caller is not None
        assert caller.projects == {}

    async def test_nobody_and_nowhere_are_not_found(self, store: Store, alice: str) -> None:
        for project, user in (("main", "nobody"), ("nowhere", "alice")):
            with pytest.raises(NotFound):
                await store.projects.set_member(project, user, ProjectRole.USER)
        with pytest.raises(NotFound):
            await store.projects.delete("nowhere", Applies())

    async def test_deleted_one_takes_its_secrets_along_and_its_name_stays_taken(
        self, store: Store
    ) -> None:
        await store.projects.create("team", "admin")
        await store.secrets.set("team", "KEY", "value")
        await store.projects.delete("team", Applies())
        assert await store.projects.find("team") is None
        assert await store.secrets.of("team") == ()
        with pytest.raises(AlreadyExists):
            await store.projects.create("team", "admin")


class TestFeed:
    def grant(
        self, store: Store, value: str, *projects: str, services: tuple[str, ...] = ()
    ) -> TokenGrant:
        return TokenGrant(sha256=digest(value), projects=projects, services=services)

    async def test_grants_what_scopes_and_memberships_both_open(
        self, store: Store, alice: str
    ) -> None:
        scopes = ["services:main/llm", "services:team", "services:other"]
        token, seq = await store.tokens.create("alice", "narrow", scopes=scopes)
        await store.projects.set_member("main", "alice", ProjectRole.USER)
        await store.projects.create("team", "alice")
        await store.projects.create("other", "admin")
        narrow = self.grant(store, token.value, "team", services=("main/llm",))
        assert narrow in (await store.changes.feed(0)).tokens
        assert narrow in (await store.changes.feed(seq)).tokens
        await store.projects.remove_member("main", "alice")
        assert self.grant(store, token.value, "team") in (await store.changes.feed(seq)).tokens

    async def test_grants_an_admin_of_the_server_no_more_than_the_scopes(
        self, store: Store
    ) -> None:
        token, _ = await store.tokens.create("admin", "narrow", scopes=["services:main/llm"])
        await store.projects.create("team", "admin")
        narrow = self.grant(store, token.value, services=("main/llm",))
        assert narrow in (await store.changes.feed(0)).tokens

    async def test_begins_with_everything(self, store: Store, alice: str) -> None:
        await store.projects.set_member("main", "alice", ProjectRole.USER)
        feed = await store.changes.feed(0)
        assert feed.full
        assert feed.seq == await store.changes.latest() > 0
        assert set(feed.tokens) == {
            self.grant(store, TOKEN, "main"),
            self.grant(store, alice, "main"),
        }

    async def test_begins_with_the_runs_applied_last(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("store.changes.RECENT", 3)
        for name in ("a", "b", "c", "b"):
            await store.changes.run_started("main", name)
        started = (await store.changes.feed(0)).started
        assert [run.run for run in started] == ["b", "c"]

    async def test_goes_on_with_what_changed(self, store: Store, alice: str) -> None:
        before = await store.changes.latest()
        await store.projects.set_member("main", "alice", ProjectRole.USER)
        await store.changes.run_started("main", "llama")
        feed = await store.changes.feed(before)
        assert not feed.full
        assert feed.seq == before + 2
        assert feed.tokens == (self.grant(store, alice, "main"),)
        assert [(run.project, run.run) for run in feed.started] == [("main", "llama")]

    async def test_has_nothing_when_nothing_changed(self, store: Store) -> None:
        latest = await store.changes.latest()
        feed = await store.changes.feed(latest)
        assert (feed.seq, feed.full, feed.tokens, feed.revoked) == (latest, False, (), ())

    async def test_is_full_for_a_number_of_another_database(self, store: Store) -> None:
        assert (await store.changes.feed(await store.changes.latest() + 1)).full

    async def test_is_full_for_whom_missed_too_much(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("store.changes.KEPT", 2)
        before = await store.changes.latest()
        for name in ("a", "b", "c", "d"):
            await store.changes.run_started("main", name)
        assert (await store.changes.feed(before)).full
        assert not (await store.changes.feed(before + 2)).full

    async def test_tells_of_revoked_and_of_expired_tokens(
        self, store: Store, alice: str, clock: Clock
    ) -> None:
        before = await store.changes.latest()
        (token,) = await store.tokens.of("alice")
        await store.tokens.revoke("alice", token.id)
        short, _ = await store.tokens.create(
            "admin", "short", expires_at=clock.now + timedelta(seconds=1)
        )
        clock.move(seconds=1)
        assert await store.tokens.expire() == 1
        assert await store.tokens.expire() == 0
        feed = await store.changes.feed(before)
        assert set(feed.revoked) == {digest(alice), digest(short.value)}

    async def test_opens_a_new_project_to_every_admin(self, store: Store, alice: str) -> None:
        before = await store.changes.latest()
        await store.projects.create("team", "alice")
        feed = await store.changes.feed(before)
        assert set(feed.tokens) == {
            self.grant(store, TOKEN, "main", "team"),
            self.grant(store, alice, "team"),
        }
