"""A replica as a later version might have it, with one more step: as it must be done, and not."""

from enum import StrEnum

from temporalio import workflow

from engine import deeds
from engine.ids import WorkflowType
from policy.ending import Ending
from spec.deeds import ReplicaStart
from spec.offer import OfferQuery
from spec.replica import ReplicaEvent
from workflows.replica import ReplicaWorkflow


class LaterPatch(StrEnum):
    """What the later version has changed."""

    ASK_TWICE = "ask-twice"


@workflow.defn(name=WorkflowType.REPLICA)
class PatchedReplica(ReplicaWorkflow):
    """Asks for offers once more at the beginning, unless it began before that was so."""

    @workflow.init
    def __init__(self, start: ReplicaStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ReplicaStart) -> ReplicaEvent:
        return await super().run(start)

    async def _serve(self) -> Ending:
        if workflow.patched(LaterPatch.ASK_TWICE):
            await _ask(self._start)
        return await super()._serve()


@workflow.defn(name=WorkflowType.REPLICA)
class CarelessReplica(ReplicaWorkflow):
    """Asks for offers once more at the beginning, whenever it began."""

    @workflow.init
    def __init__(self, start: ReplicaStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ReplicaStart) -> ReplicaEvent:
        return await super().run(start)

    async def _serve(self) -> Ending:
        await _ask(self._start)
        return await super()._serve()


async def _ask(start: ReplicaStart) -> None:
    await deeds.search_offers(OfferQuery.of(start.spec), summary="once more")
