import errno
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from perdure.errors import InvalidInput, NoSpace, NotFound, TooLarge
from perdure.settings import Settings
from spec.run_spec import CodeArchive
from store.applies import Applies
from store.store import Store, open_store

CONTENT = b"an archive"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_archive_is_kept_by_its_content(store: Store, settings: Settings) -> None:
    archive = await store.code.put("main", SHA256, pieces(CONTENT[:3], CONTENT[3:]))
    assert archive == CodeArchive(sha256=SHA256, size=len(CONTENT))
    assert await store.code.put("main", SHA256, pieces(CONTENT)) == archive
    path = await store.code.path("main", archive)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in settings.data.code.iterdir()] == [SHA256]


async def test_archive_that_changed_on_the_way_is_refused(store: Store, settings: Settings) -> None:
    with pytest.raises(InvalidInput):
        await store.code.put("main", SHA256, pieces(b"another archive"))
    assert await store.code.find("main", SHA256) is None
    assert list(settings.data.code.iterdir()) == []


async def test_archive_over_the_limit_is_refused_before_its_end(
    store: Store, settings: Settings
) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(1024 * 1024)

    with pytest.raises(TooLarge, match="1 MB"):
        await store.code.put("main", SHA256, endless())
    assert taken == 2
    assert list(settings.data.code.iterdir()) == []


async def test_one_project_does_not_see_the_code_of_another(store: Store) -> None:
    archive = await store.code.put("main", SHA256, pieces(CONTENT))
    assert await store.code.find("team", SHA256) is None
    with pytest.raises(NotFound):
        await store.code.path("team", archive)


async def test_code_of_a_deleted_project_goes_unless_another_has_it(
    store: Store, settings: Settings
) -> None:
    shared, own = CONTENT, b"of one project only"
    await store.projects.create("team", "admin")
    for project, content in (("main", shared), ("team", shared), ("team", own)):
        await store.code.put(project, hashlib.sha256(content).hexdigest(), pieces(content))
    assert await store.code.sweep(timedelta()) == 0
    await store.projects.delete("team", Applies())
    assert await store.code.sweep() == 0
    assert await store.code.sweep(timedelta()) == 1
    assert [file.read_bytes() for file in settings.data.code.iterdir()] == [shared]


async def test_an_upload_that_a_kill_left_is_swept(store: Store, settings: Settings) -> None:
    (settings.data.code / f".{SHA256}.0011").write_bytes(b"an arch")
    assert await store.code.sweep(timedelta()) == 1
    assert list(settings.data.code.iterdir()) == []


async def test_a_full_disk_is_told_and_nothing_is_left_there(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("store.code.os.fsync", full)
    with pytest.raises(NoSpace, match="the disk of the server is full"):
        await store.code.put("main", SHA256, pieces(CONTENT))
    assert list(settings.data.code.iterdir()) == []


async def test_a_project_has_a_quota_which_replacing_does_not_use(
    settings: Settings, store: Store
) -> None:
    small = settings.model_copy(update={"code_quota_mb": 1})
    half = 600 * 1024
    first, second = bytes(half), b"1" * half
    async with open_store(small) as limited:
        for _ in range(2):
            await limited.code.put("main", hashlib.sha256(first).hexdigest(), pieces(first))
        with pytest.raises(TooLarge, match="more than 1 MB of code") as refused:
            await limited.code.put("main", hashlib.sha256(second).hexdigest(), pieces(second))
        assert "PERDURE_CODE_QUOTA_MB" in refused.value.hint
        await limited.projects.create("team", "admin")
        await limited.code.put("team", hashlib.sha256(second).hexdigest(), pieces(second))
    assert {file.stat().st_size for file in settings.data.code.iterdir()} == {half}


async def test_a_project_without_any_room_is_refused_before_a_byte_is_taken(
    settings: Settings, store: Store
) -> None:
    small = settings.model_copy(update={"code_quota_mb": 1})
    whole = bytes(1024 * 1024)

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    async with open_store(small) as limited:
        await limited.code.put("main", hashlib.sha256(whole).hexdigest(), pieces(whole))
        with pytest.raises(TooLarge, match="more than 1 MB of code"):
            await limited.code.put("main", SHA256, never())
