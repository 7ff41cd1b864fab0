"""What Temporal's database, CLI and UI show to someone without a key, and what not."""

import asyncio
import base64
import json
import shutil
import subprocess

from perdure.errors import ImageNotFound, ImagePullFailed, InstanceUnreachable
from spec.sealed import SealedValues
from spec.status import RunPhase
from tests.secrecy.search import leaks
from tests.workflows.stage import BIN, Stage

VALUE = "v4lue-of-a-variable"
NAME = "NAME_OF_A_VARIABLE"
COMMAND = "serve --with an-argument"
WORDS = "the registry's own words"
SECRETS = (VALUE, NAME, COMMAND, WORDS)


async def shown(stage: Stage, *command: str) -> str:
    """The output of `temporal workflow …` to someone without a key, its payloads unfolded."""
    address = stage.client.service_client.config.target_host
    program = shutil.which("temporal", path=BIN)
    assert program is not None
    done = await asyncio.to_thread(
        subprocess.run,
        [program, "workflow", *command, "--address", address, "-o", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return " | ".join(_texts(json.loads(done.stdout)))


def _texts(tree: object) -> list[str]:
    """All strings; payloads and memos as text where they are not sealed."""
    if isinstance(tree, dict) and set(tree) == {"metadata", "data"}:
        encoding = base64.b64decode(tree["metadata"]["encoding"])
        plain = b"" if encoding == b"binary/encrypted" else base64.b64decode(tree["data"])
        return [json.dumps(json.loads(plain), ensure_ascii=False)] if plain else []
    if isinstance(tree, dict):
        return [text for value in tree.values() for text in _texts(value)]
    if isinstance(tree, list):
        return [text for value in tree for text in _texts(value)]
    return [str(tree)]


async def apply_with_secrets(stage: Stage, name: str) -> None:
    envelope = f"e-{name}"
    values = SealedValues(env={NAME: VALUE})
    await stage.store.envelopes.put(envelope, "main", name, values)
    await stage.apply(name, sealed=envelope, env=[NAME], commands=[COMMAND])


async def test_the_story_is_readable_without_a_key(at_work: Stage) -> None:
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    state = await at_work.runs.state("main", "web")
    assert state is not None
    run = await shown(at_work, "describe", "-w", "run/main/web")
    for text in ("web · 1 replicas", "tcp://127.0.0.1:", '"status": "running"'):
        assert text in run
    assert "**running**: running, 1/1 ready" in await shown(
        at_work, "metadata", "-w", "run/main/web"
    )
    replica = await shown(at_work, "show", "-w", state.records[0].id)
    for text in ("cpu=2.. mem=8GB.. disk=100GB..", "local/local at $0/h", "watch tcp://"):
        assert text in replica


async def test_what_users_wrote_and_what_went_wrong_is_in_no_file(at_work: Stage) -> None:
    """The words of an error that ended a replica are shown by `ps`, and therefore public."""
    at_work.runtime.fail("pull", ImagePullFailed(WORDS))
    at_work.runtime.fail("start", InstanceUnreachable(WORDS))
    await apply_with_secrets(at_work, "web")
    await at_work.until_ready("web", 1)
    at_work.runtime.fail("pull", ImageNotFound("There is no such image."))
    await apply_with_secrets(at_work, "broken")
    assert (await at_work.until_ended("broken")).status is RunPhase.FAILED
    state = await at_work.runs.state("main", "web")
    assert state is not None
    assert "NAME_OF_A" not in await shown(at_work, "show", "-w", state.records[0].id)
    await at_work.stop("web", abort=True)
    folder = at_work.database.parent
    assert leaks(folder, "temporal.db*", ("local/local at $0/h",)), "public texts are found so"
    assert leaks(folder, "temporal.db*", SECRETS) == []
    assert leaks(folder, "*", (VALUE,)) == []
