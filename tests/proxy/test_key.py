"""A proxy and the internal key: not made yet, others' too, or gone."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client as Temporal

from tests.proxy.conftest import Live
from tests.proxy.fake_api import FakeApi
from tests.proxy.following import ask, begin, has, ready, table
from tests.proxy.running import ProxyProcess, command
from tests.testbed.deadline import eventually

KEY = "internal.key"


async def readiness(process: ProxyProcess) -> dict[str, Any]:
    """What it answers to `/readyz`, once it answers."""
    try:
        told: dict[str, Any] = (await asyncio.to_thread(process.manage.get, "/readyz")).json()
    except httpx.HTTPError:
        return {}
    return told


async def test_at_a_first_start_it_waits_for_the_set_up_and_says_so(
    temporal: Temporal, api: FakeApi, live: Live, tmp_path: Path
) -> None:
    key = tmp_path / KEY
    key.rename(tmp_path / "later")
    process = live()

    async def waits() -> bool:
        missing = (await readiness(process)).get("missing", {})
        return bool(missing.get("key") == f"The set-up of the server has not made `{key}` yet.")

    await eventually(waits)
    (tmp_path / "later").rename(key)
    await ready(process)
    assert "missing" not in await readiness(process)
    log = process.log.read_text()
    assert f"Waiting for the set-up of the server, which makes `{key}`" in log
    assert "backup" not in log


async def test_without_the_key_that_there_was_it_serves_what_it_knew_and_asks_for_the_backup(
    temporal: Temporal, api: FakeApi, live: Live, tmp_path: Path
) -> None:
    first = live()
    run = await begin(temporal, table("kept", 1))
    await ready(first)
    await has(first, "kept", 1)
    kept = tmp_path / "proxy" / "last-good.json"
    await eventually(lambda: kept.exists() and '"kept"' in kept.read_text())
    assert await asyncio.to_thread(first.stop) == 0
    (tmp_path / KEY).unlink()
    process = live()
    await ready(process)
    assert await ask(process, "kept") == 503
    assert "key" in (await readiness(process))["away"]
    assert "Restore it from the backup" in process.log.read_text()
    await run.signal("end")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / KEY
    key.write_text("key")
    key.chmod(0o644)
    done = subprocess.run(
        command("--data-dir", str(tmp_path), "--listen", "127.0.0.1:0"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"The internal key `{key}` can be read by others (mode 0644). [cannot_start]" in (
        done.stderr
    )
