"""What a run publishes of itself in its memos, as the API reads it."""

from types import SimpleNamespace
from typing import cast

import pytest
from temporalio.api.common.v1 import Memo
from temporalio.client import Client, WorkflowExecutionDescription

from engine.converter import PublicCodec, SealingCodec, data_converter
from engine.ids import ROUTE_MEMO, STATUS_MEMO
from engine.runs import Runs
from policy.views import route_table, run_status
from spec.public import PublicModel
from tests.engine.fixed_keys import fixed
from tests.policy.making import NOW, record, run, spec

OURS, THEIRS, SEAL = (bytes([number]) * 32 for number in range(3))
STATE = run(spec(), records=(record(0, phase="running", ready=True, address="tcp://10.0.0.1:80"),))
STATUS, ROUTE = run_status(STATE), route_table(STATE, NOW)


class Described(Runs):
    """Of one run, with this memo; None: there is none."""

    def __init__(self, memo: Memo | None) -> None:
        converter = data_converter(PublicCodec(fixed(OURS)))
        super().__init__(cast("Client", SimpleNamespace(data_converter=converter)))
        self._memo = memo

    async def _described(self, project: str, run: str) -> WorkflowExecutionDescription | None:
        if self._memo is None:
            return None
        info = SimpleNamespace(memo=self._memo)
        raw = SimpleNamespace(workflow_execution_info=info)
        return cast("WorkflowExecutionDescription", SimpleNamespace(raw_description=raw))


async def memo(values: dict[str, PublicModel], key: bytes = OURS) -> Memo:
    """As a worker with that key writes it."""
    converter = data_converter(SealingCodec(fixed(key), fixed(SEAL)))
    payloads = await converter.encode([*values.values()])
    return Memo(fields=dict(zip(values, payloads, strict=True)))


async def test_status_and_routes_are_read_together() -> None:
    both = await memo({STATUS_MEMO: STATUS, ROUTE_MEMO: ROUTE})
    assert await Described(both).published("main", "web") == (STATUS, ROUTE)


@pytest.mark.parametrize("key", [None, THEIRS])
async def test_without_a_status_of_ours_there_is_no_run(key: bytes | None) -> None:
    found = None if key is None else await memo({STATUS_MEMO: STATUS}, key)
    assert await Described(found).published("main", "web") is None


async def test_routes_that_are_missing_or_not_ours_lead_nowhere() -> None:
    alone = await memo({STATUS_MEMO: STATUS})
    mixed = await memo({STATUS_MEMO: STATUS})
    theirs = await memo({ROUTE_MEMO: ROUTE}, THEIRS)
    mixed.fields[ROUTE_MEMO].CopyFrom(theirs.fields[ROUTE_MEMO])
    for each in (alone, mixed):
        found = await Described(each).published("main", "web")
        assert found is not None
        status, route = found
        assert (status, route.replicas, route.cold_start) == (STATUS, (), None)
