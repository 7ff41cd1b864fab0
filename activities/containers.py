"""Containers: bring the image, start, stop."""

from collections.abc import Mapping
from datetime import timedelta

from temporalio import activity

from activities.jobs import Jobs
from backends.base import Backend
from engine import deeds
from hosts.base import Runtime
from perdure.errors import RuntimeUnsupported
from policy.image import DefaultImage
from policy.runtime import runtime_refusals
from spec.deeds import ContainerOrder, HaltOrder, Instance, Pulled
from spec.job import Job, JobState, PullProgress


class Containers:
    """What a machine's runtime does for a replica."""

    def __init__(
        self, backends: Mapping[str, Backend], jobs: Jobs, default_image: DefaultImage
    ) -> None:
        self._backends = backends
        self._jobs = jobs
        self._default_image = default_image

    @deeds.pull_image.implemented
    async def pull_image(self, order: ContainerOrder) -> Pulled:
        """Its progress is seen as the activity's heartbeat."""
        runtime, job = await self._prepared(order)
        await runtime.pull(job, _show)
        return Pulled(image=job.image or "")

    @deeds.start_container.implemented
    async def start_container(self, order: ContainerOrder) -> JobState:
        """Start it, or find it started."""
        runtime, job = await self._prepared(order)
        return await runtime.start(job)

    @deeds.halt.implemented
    async def halt(self, order: HaltOrder) -> JobState:
        """SIGTERM, grace, SIGKILL."""
        runtime = await self._runtime(order.instance)
        return await runtime.stop(order.instance.token, timedelta(seconds=order.grace))

    async def _prepared(self, order: ContainerOrder) -> tuple[Runtime, Job]:
        """The runtime and the job. Raises `RuntimeUnsupported` as the plan would refuse."""
        runtime = await self._runtime(order.instance)
        kind, facts = (await runtime.machine()).runtime, await runtime.facts()
        refused = runtime_refusals(order.start.spec, kind, facts, self._default_image)
        if refused:
            hints = dict.fromkeys(each.hint for each in refused if each.hint)
            raise RuntimeUnsupported(
                " ".join(each.message for each in refused), hint=" ".join(hints)
            )
        return runtime, await self._jobs.make(order, kind)

    async def _runtime(self, instance: Instance) -> Runtime:
        return await self._backends[instance.backend].runtime(instance.host)


def _show(progress: PullProgress) -> None:
    activity.heartbeat(progress)
