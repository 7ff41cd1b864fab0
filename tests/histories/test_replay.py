"""Workflows that older versions began must go on: their recorded histories replay."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

import workflows
from engine.converter import SealingCodec
from engine.ids import WorkflowType
from engine.plugin import plugin
from perdure.keys import MasterKey, Purpose, create_secret, read_authenticity_keys
from tests.engine.fixed_keys import fixed
from tests.secrecy.search import CANARIES, found
from tests.workflows.recording import HISTORIES, files, read
from tests.workflows.stage import INTERNAL_KEY, MASTER_KEY
from tests.workflows.test_public import SECRETS

FILES = files()
EXAMPLE = HISTORIES / "first" / "test_replicas_change_in_place_and_a_stop_leaves_nothing.json"
LARGEST_SUM = 10_000_000  # bytes, a tenth of it in Git: the repository is not an archive

WHAT_TO_DO = """
The workflow code asks for other steps than it did when `{file}` was recorded. Runs that began with
the code of then cannot go on with that of now: they would hang until it is put right.
Name the change in workflows/patches.py, and keep the old steps for them:
`if patched(Patch.THE_CHANGE): (new) else: (old)`.
Only what is in tests/histories/next was made by no release: `make histories` records that anew.
"""


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> SealingCodec:
    """That of the installation in which they were recorded."""
    file = tmp_path_factory.mktemp("keys") / "internal.key"
    create_secret(file, INTERNAL_KEY)
    return SealingCodec(
        fixed(*read_authenticity_keys(file)), fixed(MasterKey(MASTER_KEY).subkey(Purpose.PAYLOADS))
    )


async def replay(history: WorkflowHistory, file: str, codec: SealingCodec) -> None:
    replayer = Replayer(workflows=workflows.ALL, plugins=[plugin(codec)])
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    if result.replay_failure is not None:
        pytest.fail(f"{WHAT_TO_DO.format(file=file)}\n{result.replay_failure}", pytrace=False)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
async def test_a_recorded_history_replays(file: Path, codec: SealingCodec) -> None:
    for history in read(file):
        await replay(history, file.name, codec)


def beginnings(history: WorkflowHistory) -> Iterator[WorkflowHistory]:
    """What a worker without a cache is given at each task: all up to the one that it is to do."""
    events = json.loads(history.to_json())["events"]
    for number, event in enumerate(events, 1):
        if event["eventType"] == "EVENT_TYPE_WORKFLOW_TASK_STARTED":
            yield WorkflowHistory.from_json(history.workflow_id, {"events": events[:number]})


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "file",
    [
        EXAMPLE,
        *(pytest.param(file, marks=pytest.mark.long) for file in FILES if file != EXAMPLE),
    ],
    ids=lambda file: f"{file.parent.name}/{file.stem}",
)
async def test_a_recorded_history_can_be_taken_over_at_each_of_its_tasks(
    file: Path, codec: SealingCodec
) -> None:
    count = 0
    for history in read(file):
        for beginning in beginnings(history):
            await replay(beginning, file.name, codec)
            count += 1
    assert count > 0


async def test_another_order_of_steps_is_told_with_what_to_do(codec: SealingCodec) -> None:
    (replica, *_) = [history for history in read(EXAMPLE) if "/r" in history.workflow_id[4:]]
    other = json.loads(replica.to_json().replace('"pull_image"', '"another_deed"'))
    changed = WorkflowHistory.from_json(replica.workflow_id, other)
    with pytest.raises(pytest.fail.Exception, match=r"(?s)if patched\(.*make histories") as told:
        await replay(changed, EXAMPLE.name, codec)
    assert EXAMPLE.name in str(told.value)


def test_every_workflow_and_a_renewal_are_among_them() -> None:
    events = [
        event
        for file in FILES
        for each in json.loads(file.read_text())
        for event in (each["events"][0], each["events"][-1])
    ]
    started = [each.get("workflowExecutionStartedEventAttributes", {}) for each in events]
    names = {each["workflowType"]["name"] for each in started if each}
    assert names == set(WorkflowType)
    assert any(each.get("continuedExecutionRunId") for each in started)


def test_they_are_small_and_tell_nothing_of_where_they_were_made() -> None:
    texts = [file.read_text() for file in FILES]
    assert 0 < sum(map(len, texts)) < LARGEST_SUM
    assert not any('"identity"' in text for text in texts)


def test_they_hold_public_texts_and_no_value_of_a_scenario() -> None:
    keys = [MasterKey(MASTER_KEY).subkey(purpose) for purpose in Purpose]
    values: list[str | bytes] = [*CANARIES, *SECRETS, MASTER_KEY, INTERNAL_KEY, *keys]
    texts = [file.read_bytes() for file in FILES]
    assert [value for text in texts for value in found(text, values)] == []
    assert any(found(text, ["local/local at $0/h"]) for text in texts)
