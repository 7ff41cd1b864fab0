"""The master key changes while runs live: their histories are read with the keys of then."""

from dataclasses import replace

import pytest

from engine.client import codec
from engine.converter import payload_key_id
from engine.runs import Runs
from perdure.keys import Purpose, read_master_keys, replace_secret
from tests.testbed.deadline import eventually
from tests.workflows.stage import Stage, replay_all, working

pytestmark = pytest.mark.long


def payload_keys(stage: Stage) -> list[bytes]:
    """The ids of the payload keys, the one that seals first."""
    return [
        payload_key_id(key.subkey(Purpose.PAYLOADS))
        for key in read_master_keys(stage.settings.master_key_path)
    ]


async def test_a_living_run_goes_on_and_needs_the_old_key_until_it_is_renewed(stage: Stage) -> None:
    """Without a cache: every task reads all that was sealed since the run began."""
    renewing = replace(stage, runs=Runs(stage.client, renew_after_events=25))
    async with working(renewing, max_cached=0):
        await renewing.apply("web")
        await renewing.until_ready("web", 1)
        (old,) = payload_keys(stage)
        first, run = sorted((await stage.runs.living_by_key())[old], key=len, reverse=True)
        assert run == "run/main/web"
        assert first.endswith("/r0-g1")

        await stage.store.master_keys.rotate()
        new, kept = payload_keys(stage)
        assert kept == old
        await renewing.apply("web", replicas=2)
        await renewing.until_ready("web", 2)
        assert "run/main/web" in (await stage.runs.living_by_key())[new]

        async def is_renewed() -> bool:
            await renewing.apply("web", replicas=1)
            await renewing.until_ready("web", 1)
            await renewing.apply("web", replicas=2)
            await renewing.until_ready("web", 2)
            return "run/main/web" not in (await stage.runs.living_by_key())[old]

        await eventually(is_renewed, "the run needs the old key no more", seconds=60)
        assert (await stage.runs.living_by_key())[old] == [first]
        assert await replay_all(stage.client, codec(stage.settings)) > 0
        await renewing.stop("web")

    async def are_over() -> bool:
        return await stage.runs.living_by_key() == {}

    await eventually(are_over, "the list has no living run")


async def test_marks_of_an_older_internal_key_are_still_ours(stage: Stage) -> None:
    """Its memos, and what was signalled to it, were marked before."""
    key = stage.settings.data.internal_key
    async with working(stage, max_cached=0):
        await stage.apply("web")
        before = await stage.until_ready("web", 1)
        replace_secret(key, b"a newer key\n" + key.read_bytes())
        assert await stage.status("web") == before
        await stage.apply("web", replicas=2)
        await stage.until_ready("web", 2)
        await stage.stop("web")
