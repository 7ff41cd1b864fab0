"""A replica: one container from offer to release, a straight saga.

It is one file, so that its order, and what is undone when, can be read from top to bottom.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from engine import deeds, ids
from engine.cleanup import abandon, uncancelled
from engine.failures import as_error, is_real_exit
from engine.options import LAST_LOGS
from perdure.errors import NoCapacity
from policy.drain import grace
from policy.ending import Ending, ending_of_error, ending_of_exit, ending_over_quota
from policy.placement import chosen_gpus, placement_of, untried
from policy.probing import probes_of
from policy.readiness import monitor_order, ready_order
from policy.story import place_text
from spec.decision import Rejected
from spec.deeds import (
    Collected,
    CollectOrder,
    ContainerOrder,
    CreateOrder,
    DrainOrder,
    HaltOrder,
    Instance,
    ReleaseOrder,
    ReplicaStart,
)
from spec.job import JobState
from spec.offer import Offer, OfferQuery
from spec.replica import LeaveOrder, Placement, ReplicaEvent
from spec.status import EndReason, Health, ReplicaPhase
from workflows.watch import Watch

Done = TypeVar("Done")


@workflow.defn
class ReplicaWorkflow:
    """Whatever happens, nothing that it created outlives it.

    After a code bug it waits for the fix, and its instance with it.
    """

    @workflow.init
    def __init__(self, start: ReplicaStart) -> None:
        """An order to leave may come with the first task."""
        self._start = start
        self._id = workflow.info().workflow_id
        self._order: LeaveOrder | None = None
        self._created: dict[str, str] = {}
        self._instance: Instance | None = None
        self._placement: Placement | None = None
        self._passed_over: tuple[Rejected, ...] = ()
        self._collecting: asyncio.Task[Collected] | None = None
        self._ready = False
        self._health = Health.STARTING if probes_of(start) else None
        self._leaving = False

    @workflow.run
    async def run(self, start: ReplicaStart) -> ReplicaEvent:
        """Serve, leave, release. The result is the last thing that its run is told.

        One that fails is out of the routes at once; one that is told to leave drains first.
        """
        end = await self._serve_until_told()
        if self._leaving and self._ready:
            await self._drain()
        await self._uncut(self._event(ReplicaPhase.TERMINATING, ending=end))
        if self._collecting is not None:
            await self._halt()
        if self._created:
            order = ReleaseOrder(backends=self._created)
            await uncancelled(deeds.release(order, summary="release what was created"))
        last = self._event(end.phase, ending=end)
        await self._uncut(last)
        return last

    @workflow.signal(name=ids.Message.LEAVE)
    def leave(self, order: LeaveOrder) -> None:
        """Drain, then release; a second order counts when it is sooner."""
        if self._order is None or order.deadline < self._order.deadline:
            self._order = order

    async def _serve_until_told(self) -> Ending:
        """How serving ended. A code bug passes through here, so that nothing is cleaned up."""
        serving = asyncio.create_task(self._serve())
        try:
            await workflow.wait_condition(lambda: serving.done() or self._order is not None)
            if self._order is not None and not serving.done():
                self._leave(serving)
            return await serving
        except BaseException as error:
            if not is_real_exit(error):
                raise
            if isinstance(error, asyncio.CancelledError):
                self._leave(serving)
            await uncancelled(workflow.wait_condition(serving.done))
            if self._leaving:
                return Ending(reason=self._order.reason if self._order else EndReason.OWNER_GONE)
            return ending_of_error(as_error(error))

    def _leave(self, serving: asyncio.Task[Ending]) -> None:
        self._leaving = True
        serving.cancel()

    async def _unless_leaving(self, deed: Awaitable[Done]) -> Done:
        """A deed that completes although it was cancelled swallows the cancellation."""
        done = await deed
        if self._leaving:
            raise asyncio.CancelledError
        return done

    async def _serve(self) -> Ending:
        """From offer to the end that the watch or the log's collector saw."""
        instance = await self._unless_leaving(self._provision())
        self._instance = instance
        order = ContainerOrder(instance=instance, replica=self._id, start=self._start)
        await self._tell(ReplicaPhase.PULLING)
        pulled = deeds.pull_image(order, summary="bring the image")
        await self._unless_leaving(pulled)
        started = await self._unless_leaving(deeds.start_container(order, summary="start"))
        self._collecting = asyncio.create_task(self._collect(instance))
        await self._tell(ReplicaPhase.RUNNING)
        ready = ready_order(instance, started.address, self._start, workflow.now())
        waiting = self._within_quota(deeds.wait_ready(ready, summary=f"port {ready.port}"))
        seen = await self._unless_leaving(waiting)
        if seen is None:
            return ending_over_quota()
        if seen.ended is not None:
            return ending_of_exit(seen.ended, self._start.run)
        self._ready = True
        self._health = self._health and Health.HEALTHY
        if not await self._tell(ReplicaPhase.RUNNING, ready=True, address=started.address):
            return Ending(reason=EndReason.OWNER_GONE)
        watched = monitor_order(instance, started.address, self._start, workflow.now())
        watch = Watch(watched, self._start.run, self._tell_health)
        return await self._within_quota(watch.until_ended()) or ending_over_quota()

    async def _provision(self) -> Instance:
        """The first offer that has capacity.

        Others may be quicker: offers are sought again as long as that brings one not yet tried.
        """
        spec = self._start.spec
        asked = spec.configuration.resources
        query = OfferQuery.of(spec)
        tried: list[Offer] = []
        refused: list[str] = []
        while True:
            found = await deeds.search_offers(query, summary=str(asked))
            refused += [refusal.message for refusal in found.refusals]
            offers = untried(found.offers, tried, asked)
            if not offers:
                message = " ".join(dict.fromkeys(refused)) or "No backend has an offer."
                raise ApplicationError(message, type=NoCapacity.__name__)
            for offer in offers:
                try:
                    return await self._create(offer, attempt=len(tried))
                except ActivityError as failure:
                    error = as_error(failure)
                    if not isinstance(error, NoCapacity):
                        raise
                    refused.append(error.message)
                    tried.append(offer)
                    self._passed_over += (Rejected(option=offer.place, why=error.message),)

    async def _create(self, offer: Offer, attempt: int) -> Instance:
        """The token is remembered before the call: what may exist can be released."""
        token = ids.token(self._id, offer.place, attempt)
        self._created[token] = offer.backend
        asked = self._start.spec.configuration.resources
        self._placement = placement_of(offer, asked)
        await self._tell(ReplicaPhase.PROVISIONING)
        start = self._start
        order = CreateOrder(
            token=token,
            replica=self._id,
            project=start.project,
            run=start.run,
            offer=offer,
            gpu_ids=tuple(gpu.id for gpu in chosen_gpus(asked, offer.gpus) or ()),
        )
        return await deeds.create_instance(order, summary=place_text(self._placement))

    async def _collect(self, instance: Instance) -> Collected:
        start = self._start
        order = CollectOrder(
            instance=instance,
            project=start.project,
            run=start.run,
            incarnation=start.incarnation,
            replica=self._id,
            num=start.num,
        )
        return await deeds.collect_logs(order, summary="collect the log")

    async def _within_quota(self, deed: Coroutine[None, None, Done]) -> Done | None:
        """What the deed brings; None when the log was over its quota before."""
        doing = asyncio.create_task(deed)
        try:
            await workflow.wait_condition(lambda: doing.done() or self._is_over_quota())
        except asyncio.CancelledError:
            abandon(doing)
            raise
        if not doing.done():
            abandon(doing)
            return None
        return await doing

    def _is_over_quota(self) -> bool:
        task = self._collecting
        done = task is not None and task.done() and task.exception() is None
        return done and task is not None and task.result().over_quota

    async def _drain(self) -> None:
        """Wait for the proxies; a sooner order, or a cancellation, cuts it short."""
        while self._order is not None and self._order.deadline > workflow.now():
            order = self._order
            start = self._start
            drain = DrainOrder(
                project=start.project,
                run=start.run,
                incarnation=start.incarnation,
                replica=self._id,
                route_version=order.route_version,
                deadline=order.deadline,
            )
            until = f"until {order.deadline:%H:%M:%S} at the latest"
            draining = asyncio.create_task(deeds.drain(drain, summary=until))
            sooner = lambda: draining.done() or self._order is not order  # noqa: E731,B023
            try:
                await workflow.wait_condition(sooner)
                if draining.done():
                    await draining
                    return
                abandon(draining)
            except (FailureError, asyncio.CancelledError) as error:
                abandon(draining)
                workflow.logger.warning("Drain cut short: %s", as_error(error).message)
                return

    async def _halt(self) -> None:
        """Stop the container, then wait for the rest of its log."""
        await uncancelled(self._stop_container())
        collecting = self._collecting
        assert collecting is not None
        try:
            await uncancelled(workflow.wait_condition(collecting.done, timeout=LAST_LOGS))
        except TimeoutError:
            abandon(collecting)
            workflow.logger.warning("The rest of the log could not be collected in time")

    async def _stop_container(self) -> None:
        """SIGTERM, then SIGKILL after a time that a sooner order cuts."""
        halts: list[asyncio.Task[JobState]] = []
        while not any(halt.done() for halt in halts):
            order = self._order
            halts.append(asyncio.create_task(self._halted(grace(order, workflow.now()))))
            news = lambda: self._order is not order or any(h.done() for h in halts)  # noqa: E731,B023
            await workflow.wait_condition(news)
        await asyncio.gather(*halts)

    async def _halted(self, seconds: float) -> JobState:
        assert self._instance is not None
        order = HaltOrder(instance=self._instance, grace=seconds)
        return await deeds.halt(order, summary=f"SIGTERM, then {seconds:.0f} s")

    async def _tell(
        self, phase: ReplicaPhase, *, ready: bool = False, address: str = "", detail: str = ""
    ) -> bool:
        """Signal the run by its id, across its renewals. False when no run of that name lives."""
        event = self._event(phase, ready=ready, address=address, detail=detail)
        return await self._unless_leaving(self._signal(event))

    async def _tell_health(self, health: Health, detail: str) -> bool:
        """In or out of the routes, as its probes want it."""
        self._health = health
        ready = health is Health.HEALTHY
        return await self._tell(ReplicaPhase.RUNNING, ready=ready, detail=detail)

    async def _uncut(self, event: ReplicaEvent) -> None:
        await uncancelled(self._signal(event))

    def _event(
        self,
        phase: ReplicaPhase,
        *,
        ready: bool = False,
        address: str = "",
        detail: str = "",
        ending: Ending | None = None,
    ) -> ReplicaEvent:
        return ReplicaEvent(
            incarnation=self._start.incarnation,
            replica=self._id,
            phase=phase,
            ready=ready,
            address=address,
            placement=self._placement,
            passed_over=self._passed_over if phase is ReplicaPhase.PROVISIONING else (),
            reason=ending.reason if ending else None,
            exit_code=ending.exit_code if ending else None,
            code=ending.code if ending else "",
            detail=ending.detail if ending else detail,
            hint=ending.hint if ending else "",
            health=self._health,
        )

    async def _signal(self, event: ReplicaEvent) -> bool:
        handle = workflow.get_external_workflow_handle(self._start.owner)
        try:
            await handle.signal(ids.Message.REPLICA_EVENT, event)
        except ApplicationError:
            return False
        return True
