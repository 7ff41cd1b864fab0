"""A run: remembers what is wanted, and keeps reconciling until it is over."""

import asyncio
from datetime import datetime

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import FailureError

from engine import deeds, ids
from engine.cleanup import uncancelled
from engine.failures import as_error, as_failure
from engine.options import FIRST_APPLY
from policy.admission import apply_refusal, scale_refusal
from policy.decisions import kept
from policy.desired import overridden, watched, woken
from policy.reconcile import Action, StartReplica, reconcile
from policy.story import run_story
from policy.transitions import answered, applied, envelopes, lost, new_run, observed, stopped
from policy.views import run_status
from spec.deeds import CloseOrder, ReplicaStart
from spec.names import run_id
from spec.public import PublicModel, PublicStr
from spec.replica import ReplicaEvent, ReplicaRecord
from spec.route import RouteTable
from spec.run import Accepted, ApplyRequest, RunStart, RunState, StopRequest, WakeNote
from spec.run_status import RunStatus
from spec.scale import ScaleRequest
from workflows.diary import Diary
from workflows.load_watch import LoadWatch
from workflows.patches import Patch, patched
from workflows.replica import ReplicaWorkflow


@workflow.defn
class RunWorkflow:
    """Handlers only change `_state`; one loop decides by `reconcile` and carries it out."""

    @workflow.init
    def __init__(self, start: RunStart) -> None:
        """Handlers may come with the first task: the state is there before them."""
        info = workflow.info()
        life = ids.incarnation(info.first_execution_run_id)
        self._start = start
        elastic = start.state is None and patched(Patch.ELASTIC)
        self._state = start.state or new_run(
            start.project, start.name, life, workflow.now(), elastic=elastic, pauses=start.pauses
        )
        self._watch = LoadWatch()
        self._diary = Diary()
        self._due: datetime | None = None
        self._published: dict[str, PublicModel] = {}
        self._changed = True
        self._closing = False

    @workflow.run
    async def run(self, start: RunStart) -> RunStatus | None:
        """Live until stopped, or until no replica is left to live for; None: never applied."""
        if not await self._was_applied():
            return None
        while True:
            try:
                await self._news()
                ended = await self._reconcile()
            except asyncio.CancelledError:
                self._set(stopped(self._state, workflow.now(), abort=False))
                continue
            if ended is not None and not self._changed:
                await self._close(ended)
                self._publish(ended)
                return ended
            if self._renewal_is_due() and not self._changed:
                self._renew()

    @workflow.update(name=ids.Message.APPLY)
    def apply(self, request: ApplyRequest) -> Accepted:
        """Want this from now on. The update's id is the idempotency key."""
        update = workflow.current_update_info()
        assert update is not None
        known = answered(self._state, update.id)
        if known is None:
            self._set(applied(self._state, request.spec, update.id, workflow.now()))
            known = self._state.answers[-1].accepted
        return known

    @apply.validator
    def _refuse_apply(self, request: ApplyRequest) -> None:
        update = workflow.current_update_info()
        if update is not None and answered(self._state, update.id) is not None:
            return
        refusal = apply_refusal(self._state, request, closing=self._closing)
        if refusal is not None:
            raise as_failure(refusal, final=True)

    @workflow.update(name=ids.Message.STOP)
    def stop(self, request: StopRequest) -> RunStatus:
        """Drain all replicas and end; with `abort`, at once."""
        self._set(stopped(self._state, workflow.now(), abort=request.abort))
        return run_status(self._state)

    @workflow.signal(name=ids.Message.REPLICA_EVENT)
    def replica_event(self, event: ReplicaEvent) -> None:
        """News from a replica."""
        self._set(observed(self._state, event, workflow.now()))

    @workflow.signal(name=ids.Message.WAKE)
    def wake(self, note: WakeNote) -> None:
        """A request waits for a replica, and there is none."""
        self._set(woken(self._state, note.incarnation, workflow.now()))

    @workflow.update(name=ids.Message.SCALE)
    def scale(self, request: ScaleRequest) -> RunStatus:
        """Want this number of replicas, whatever the load and the configuration say."""
        self._set(overridden(self._state, request, workflow.now()))
        return run_status(self._state)

    @scale.validator
    def _refuse_scale(self, request: ScaleRequest) -> None:
        refusal = scale_refusal(self._state, request, closing=self._closing)
        if refusal is not None:
            raise as_failure(refusal, final=True)

    @workflow.query(name=ids.Message.GET_STATE)
    def get_state(self) -> RunState:
        """Everything, sealed; for plans, people and tests. Nobody routes by it."""
        return self._state

    @workflow.query(name=ids.Message.GET_ROUTE)
    def get_route(self) -> RouteTable:
        """The routes, readable: to compare with a proxy's."""
        return self._state.route

    def _set(self, state: RunState) -> None:
        self._changed = self._changed or state != self._state
        self._state = state

    async def _news(self) -> None:
        """Wait until there is something to decide, and take in what was found meanwhile."""
        due = None if self._due is None else self._due - workflow.now()
        try:
            await workflow.wait_condition(
                self._has_news, timeout=due, timeout_summary=PublicStr("the next decision is due")
            )
        except TimeoutError:
            self._changed = True
        if self._watch.has_news:
            self._set(watched(self._state, self._watch.take(), workflow.now()))
        if self._diary.has_news:
            self._state = kept(self._state, self._diary.take())

    def _has_news(self) -> bool:
        tells = self._watch.has_news or self._diary.has_news
        return self._changed or tells or self._renewal_is_due()

    async def _was_applied(self) -> bool:
        try:
            await workflow.wait_condition(
                lambda: self._state.spec is not None,
                timeout=FIRST_APPLY,
                timeout_summary=PublicStr("the first apply"),
            )
        except TimeoutError:
            return False
        return True

    async def _reconcile(self) -> RunStatus | None:
        """Decide, publish, act; the final status when the run is over."""
        step = reconcile(self._state, workflow.now())
        self._state, self._due, self._changed = step.state, step.due, step.unfinished
        self._watch.follow(self._state)
        status = run_status(self._state, step.ended)
        if step.ended is not None:
            return status
        self._publish(status)
        await asyncio.gather(*(self._carry_out(action) for action in step.actions))
        self._diary.keep(self._state, status)
        return None

    def _publish(self, status: RunStatus) -> None:
        """Routes for the proxies, the status for people; only what has changed."""
        memo: dict[str, PublicModel] = {ids.ROUTE_MEMO: self._state.route, ids.STATUS_MEMO: status}
        news = {key: value for key, value in memo.items() if self._published.get(key) != value}
        if news:
            workflow.upsert_memo(news)
            workflow.set_current_details(run_story(status))
        known = self._published.get(ids.STATUS_MEMO)
        if not isinstance(known, RunStatus) or known.status is not status.status:
            workflow.upsert_search_attributes([ids.RUN_STATUS.value_set(status.status)])
        self._published.update(memo)

    async def _carry_out(self, action: Action) -> None:
        replica = action.record.id if isinstance(action, StartReplica) else action.replica
        try:
            if isinstance(action, StartReplica):
                await self._start_replica(action.record)
            else:
                handle = workflow.get_external_workflow_handle_for(ReplicaWorkflow.run, replica)
                await handle.signal(ReplicaWorkflow.leave, action.order)
        except FailureError as failure:
            self._set(lost(self._state, replica, as_error(failure), workflow.now()))

    async def _start_replica(self, record: ReplicaRecord) -> None:
        """ABANDON: a renewal or an end of the run must not touch its replicas."""
        state = self._state
        assert state.spec is not None
        await workflow.start_child_workflow(
            ReplicaWorkflow.run,
            ReplicaStart(
                owner=run_id(state.project, state.name),
                project=state.project,
                run=state.name,
                incarnation=state.incarnation,
                num=record.num,
                deployment=record.deployment,
                spec=state.spec,
                elastic=state.elastic,
            ),
            id=record.id,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            static_summary=PublicStr(f"replica {record.num} of {state.name}"),
        )

    async def _close(self, ended: RunStatus) -> None:
        """What was sealed for this life is not needed any more; handlers get their answers.

        From here on `apply` is for the next life.
        """
        self._closing = True
        await self._diary.close(self._state, ended)
        sealed = envelopes(self._state)
        if sealed:
            order = CloseOrder(project=self._state.project, run=self._state.name, sealed=sealed)
            await uncancelled(deeds.close_run(order, summary="forget the sealed values"))
        await workflow.wait_condition(workflow.all_handlers_finished)

    def _renewal_is_due(self) -> bool:
        info = workflow.info()
        due = info.get_current_history_length() > self._start.renew_after_events
        return due or info.is_continue_as_new_suggested()

    def _renew(self) -> None:
        """Continue as new, with the memo as typed values: read back, they would be sealed."""
        start = self._start.model_copy(update={"state": self._state})
        workflow.continue_as_new(start, memo=self._published)
