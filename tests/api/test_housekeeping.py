import asyncio
import hashlib
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from temporalio.service import RPCError, RPCStatusCode

from api.housekeeping import sweep, sweep_code, sweep_envelopes, sweep_runs
from api.process import watched
from perdure.errors import NoSpace, NotFound, PerdureError, RunStopping, Unavailable
from perdure.keys import replace_secret
from perdure.settings import Settings
from spec.audit import Action
from spec.run import CodeArchive, RunSpec, RunStatus
from spec.sealed import SealedValues
from spec.service import ServiceConfiguration
from store.applies import Applies
from store.audit import NOBODY, Entry
from store.revisions import Revision
from store.store import Store
from tests.api.fake_runs import FakeRuns, run_status
from tests.store.conftest import Clock


@asynccontextmanager
async def sweeping(store: Store) -> AsyncIterator[None]:
    """For ten seconds at most; it has ended before the store is closed."""
    async with watched(sweep(store, FakeRuns(), pause=0.01), asyncio.Event()), asyncio.timeout(10):
        yield


async def test_old_events_of_the_audit_log_are_swept(store: Store, clock: Clock) -> None:
    await store.audit.record(NOBODY, Entry(Action.RUN_STOP, "main/app"))
    clock.move(days=366)
    async with sweeping(store):
        while await store.audit.read(1):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "failure", [Unavailable("The store does not answer."), NoSpace("The disk is full.")]
)
async def test_a_store_that_fails_is_told_of_once_and_does_not_end_the_sweep(
    store: Store,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failure: PerdureError,
) -> None:
    await store.tokens.create("admin", "short", expires_at=clock.now + timedelta(seconds=5))
    clock.move(seconds=5)
    expire, failures = store.tokens.expire, iter([failure] * 3)

    async def failing() -> int:
        if next(failures, None) is not None:
            raise failure
        return await expire()

    monkeypatch.setattr(store.tokens, "expire", failing)
    with caplog.at_level(logging.WARNING):
        async with sweeping(store):
            while len(await store.tokens.of("admin")) > 1:
                await asyncio.sleep(0.01)
    assert [record.message for record in caplog.records] == [
        f"What is over cannot be dropped for now: {failure}"
    ]


async def kept(store: Store, text: bytes, project: str = "main") -> CodeArchive:
    async def content() -> AsyncIterator[bytes]:
        yield text

    return await store.code.put(project, hashlib.sha256(text).hexdigest(), content())


async def used_by(store: Store, run: str, incarnation: str, archive: CodeArchive) -> None:
    configuration = ServiceConfiguration.model_validate(
        {"type": "service", "commands": ["true"], "port": 8000}
    )
    spec = RunSpec(configuration=configuration, code=archive)
    await store.revisions.append(
        Revision(
            project="main",
            run=run,
            incarnation=incarnation,
            number=1,
            user="admin",
            spec=spec,
            at=store.now(),
        )
    )


async def test_code_of_living_runs_stays_and_other_code_goes_after_an_hour(
    store: Store, settings: Settings, clock: Clock
) -> None:
    runs = FakeRuns()
    runs.know(run_status("web", incarnation="life2"))
    living, ended, earlier, unused, asked = [
        await kept(store, text) for text in (b"living", b"ended", b"earlier", b"unused", b"asked")
    ]
    await used_by(store, "web", "life2", living)
    await used_by(store, "web", "life1", earlier)
    await used_by(store, "gone", "life1", ended)
    assert await sweep_code(store, runs) == frozenset()
    found = [await store.code.find("main", each.sha256) for each in (ended, earlier, unused)]
    assert None not in found
    clock.move(minutes=61)
    assert await store.code.ask("main", asked.sha256) == asked
    suspects = await sweep_code(store, runs)
    assert suspects == {("main", each.sha256) for each in (ended, earlier, unused)}
    await sweep_code(store, runs, suspects)
    assert await store.code.find("main", living.sha256) == living
    assert await store.code.find("main", asked.sha256) == asked
    for each in (ended, earlier, unused):
        assert await store.code.find("main", each.sha256) is None
    await store.code.sweep(timedelta())
    assert {file.name for file in settings.data.code.iterdir()} == {living.sha256, asked.sha256}


async def test_a_run_that_is_missing_from_one_list_keeps_its_code(
    store: Store, clock: Clock
) -> None:
    """As one that is just being renewed."""
    runs, archive = FakeRuns(), await kept(store, b"code")
    await used_by(store, "web", "life1", archive)
    clock.move(hours=2)
    suspects = await sweep_code(store, runs)
    runs.know(run_status("web", incarnation="life1"))
    assert await sweep_code(store, runs, suspects) == frozenset()
    assert await store.code.find("main", archive.sha256) == archive


async def test_where_the_life_of_a_run_is_not_known_all_its_code_stays(
    store: Store, clock: Clock
) -> None:
    archive = await kept(store, b"code")
    await used_by(store, "web", "life1", archive)
    clock.move(hours=2)
    assert await store.code.unclaimed() == await store.revisions.code_of({("main", "web"): None})
    assert await store.code.find("main", archive.sha256) == archive


async def test_without_temporal_no_code_goes(store: Store, clock: Clock) -> None:
    archive, runs = await kept(store, b"code"), FakeRuns()
    runs.failure = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    clock.move(hours=2)
    with pytest.raises(RPCError):
        await sweep_code(store, runs)
    assert await store.code.find("main", archive.sha256) == archive


async def sealed(store: Store, run: str, *, answer: str | None = None, claimed: bool = True) -> str:
    """The envelope of a request to apply, which was answered or not."""
    envelope = str(uuid.uuid4())
    if claimed:
        claim = await store.idempotency.claim("main", "admin", envelope, fingerprint="", run=run)
        envelope = claim.request
        if answer is not None:
            await store.idempotency.answer("main", envelope, answer)
    await store.envelopes.put(envelope, "main", run, SealedValues(env={"A": "value"}))
    return envelope


async def kept_of(store: Store, envelopes: dict[str, str]) -> set[str]:
    """Which of these envelopes, by name, can still be opened for the run `web` or `gone`."""
    found = set()
    for name, envelope in envelopes.items():
        for run in ("web", "gone"):
            with suppress(NotFound):
                await store.envelopes.open(envelope, "main", run)
                found.add(name)
    return found


async def test_sealed_values_go_a_day_later_when_their_run_does_not_live(
    store: Store, clock: Clock
) -> None:
    runs = FakeRuns()
    runs.know(run_status("web"))
    envelopes = {
        "in use": await sealed(store, "web", answer="{}"),
        "not known": await sealed(store, "web", claimed=False),
        "of a run that was terminated": await sealed(store, "gone", answer="{}"),
        "refused": await sealed(store, "gone", claimed=False),
        "on its way": await sealed(store, "gone"),
    }
    await sweep_envelopes(store, runs)
    assert await kept_of(store, envelopes) == {*envelopes}
    clock.move(days=1)
    envelopes["young"] = await sealed(store, "gone", claimed=False)
    await sweep_envelopes(store, runs)
    assert await kept_of(store, envelopes) == {"in use", "not known", "on its way", "young"}


async def test_values_of_a_run_that_the_list_of_the_living_lacks_stay(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the moment in which it is continued as new."""
    runs = FakeRuns()
    runs.know(run_status("web"))
    envelopes = {"in use": await sealed(store, "web", answer="{}")}
    clock.move(days=2)

    async def none() -> dict[tuple[str, str], str | None]:
        return {}

    monkeypatch.setattr(runs, "living", none)
    await sweep_envelopes(store, runs)
    assert await kept_of(store, envelopes) == {"in use"}


async def test_without_temporal_no_values_go(store: Store, clock: Clock) -> None:
    envelopes, runs = {"old": await sealed(store, "gone", answer="{}")}, FakeRuns()
    runs.failure = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    clock.move(days=2)
    with pytest.raises(RPCError):
        await sweep_envelopes(store, runs)
    assert await kept_of(store, envelopes) == {"old"}


async def test_a_request_that_was_cut_leaves_after_a_week(store: Store, clock: Clock) -> None:
    """Its key first, and with the next look at the living runs its values."""
    envelopes = {"cut": await sealed(store, "gone")}
    clock.move(days=7)
    async with sweeping(store):
        while await kept_of(store, envelopes):
            await asyncio.sleep(0.01)


async def test_a_rotation_that_was_cut_is_brought_to_its_end(
    store: Store, settings: Settings
) -> None:
    """As when it was killed right after the file was replaced."""
    await store.secrets.set("main", "KEY", "value")
    key = settings.master_key_path
    replace_secret(key, bytes(32) + key.read_bytes())
    new, _ = store.master_keys.all()
    async with sweeping(store):
        while set(await store.master_keys.rows()) != {new.id}:
            await asyncio.sleep(0.01)
    assert settings.data.master_key_check.read_text().startswith(new.id)
    assert await store.secrets.values("main", ["KEY"]) == {"KEY": "value"}


async def test_a_run_that_outlives_its_project_is_stopped_when_two_sweeps_find_it(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """One of a project that the store never had is not: the store may be an older backup."""
    runs = FakeRuns()
    await store.projects.create("team", "admin")
    for project in ("main", "team", "never"):
        runs.know(run_status(f"of-{project}", project=project))
    assert await sweep_runs(store, runs) == frozenset()
    await store.projects.delete("team", Applies())
    suspects = await sweep_runs(store, runs)
    assert suspects == {("team", "of-team")}
    assert runs.stopped == []
    assert await sweep_runs(store, runs, suspects) == suspects
    assert runs.stopped == [("of-team", True)]
    assert [record.message for record in caplog.records] == [
        "Runs of deleted projects are stopped: team/of-team"
    ]


async def test_a_run_that_cannot_be_stopped_does_not_keep_others(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runs, asked = FakeRuns(), []
    await store.projects.create("team", "admin")
    await store.projects.delete("team", Applies())
    for name in ("a", "b"):
        runs.know(run_status(name, project="team"))

    async def failing(project: str, run: str, *, abort: bool = False) -> RunStatus:
        asked.append(run)
        raise RunStopping("It is busy.")

    monkeypatch.setattr(runs, "stop", failing)
    await sweep_runs(store, runs, await sweep_runs(store, runs))
    assert asked == ["a", "b"]
    assert caplog.records[-1].message == ("The run team/b could not be stopped: It is busy.")
