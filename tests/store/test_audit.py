"""The audit log: with what it tells, or not at all; and not for ever."""

import pytest

from perdure.errors import AlreadyExists, Conflict, NotFound
from spec.audit import Action, Outcome
from spec.people import GlobalRole, ProjectRole
from store.applies import Applies
from store.audit import NOBODY, AuditFilter, Author, Entry
from store.store import Store
from tests.store.conftest import Clock

ADMIN = Author(user="admin", token="t")


async def test_what_fails_leaves_no_event(store: Store) -> None:
    with pytest.raises(AlreadyExists):
        await store.users.create("admin", GlobalRole.USER, by=ADMIN)
    with pytest.raises(Conflict):
        await store.users.delete("admin", by=ADMIN)
    with pytest.raises(Conflict):
        await store.users.set_role("admin", GlobalRole.USER, by=ADMIN)
    with pytest.raises(NotFound):
        await store.projects.set_member("main", "nobody", ProjectRole.USER, by=ADMIN)
    with pytest.raises(NotFound):
        await store.secrets.delete("main", "NONE", by=ADMIN)
    with pytest.raises(NotFound):
        await store.tokens.create("nobody", "x", by=ADMIN)
    assert await store.audit.read(10) == ()


async def test_what_the_server_does_by_itself_leaves_none(store: Store) -> None:
    await store.users.create("alice", GlobalRole.USER)
    assert await store.audit.read(10) == ()


async def test_an_event_tells_who_did_what_where_and_when(store: Store, clock: Clock) -> None:
    await store.secrets.set("main", "KEY", "value", by=ADMIN)
    (event,) = await store.audit.read(1)
    assert event.model_dump(exclude={"id"}) == {
        "at": clock.now,
        "user": "admin",
        "token": "t",
        "action": Action.SECRET_SET,
        "project": "main",
        "subject": "main/KEY",
        "outcome": Outcome.DONE,
    }


async def test_what_somebody_typed_is_cut_and_can_be_kept_by_any_database(store: Store) -> None:
    await store.audit.record(NOBODY, Entry(Action.REQUEST_REFUSED, "\0" + "x" * 1000))
    (event,) = await store.audit.read(1)
    assert event.subject == "\ufffd" + "x" * 299


async def test_it_is_read_by_project_by_time_and_in_pages(store: Store, clock: Clock) -> None:
    for number in range(5):
        project = "main" if number % 2 else None
        await store.audit.record(NOBODY, Entry(Action.RUN_STOP, f"{number}", project))
        clock.move(hours=1)

    async def subjects(limit: int = 10, **only: object) -> list[str]:
        events = await store.audit.read(limit, AuditFilter(**only))  # type: ignore[arg-type]
        return [event.subject for event in events]

    assert await subjects() == ["4", "3", "2", "1", "0"]
    assert await subjects(project="main") == ["3", "1"]
    start = clock.now
    clock.move(hours=-2)
    assert await subjects(since=clock.now) == ["4", "3"]
    assert clock.now < start
    first = await store.audit.read(2)
    assert await subjects(2, before=first[-1].id) == ["2", "1"]


async def test_what_was_kept_for_long_enough_goes(store: Store, clock: Clock) -> None:
    await store.audit.record(NOBODY, Entry(Action.RUN_STOP, "old"))
    clock.move(days=365)
    await store.audit.record(NOBODY, Entry(Action.RUN_STOP, "new"))
    assert await store.audit.expire() == 0
    clock.move(seconds=1)
    assert await store.audit.expire() == 1
    assert [event.subject for event in await store.audit.read(10)] == ["new"]


async def test_a_deleted_project_leaves_its_events(store: Store) -> None:
    await store.projects.create("team", "admin", by=ADMIN)
    await store.projects.delete("team", Applies(), by=ADMIN)
    told = await store.audit.read(10, AuditFilter(project="team"))
    assert [event.action for event in told] == [Action.PROJECT_DELETE, Action.PROJECT_CREATE]
