"""What every runtime can do. One object per machine; all calls are idempotent by token."""

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import Protocol

from spec.job import Job, JobState, PullProgress
from spec.log import LogBatch
from spec.machine import Machine, RuntimeFacts

Progress = Callable[[PullProgress], None]


class Runtime(Protocol):
    """Runs jobs on one machine. Only what carries this server's id is ever seen or touched."""

    async def machine(self) -> Machine:
        """The machine's size now. Raises `InstanceUnreachable`."""
        ...

    async def facts(self) -> RuntimeFacts:
        """What it can give to a job, for the policy to refuse the rest before one is made."""
        ...

    async def utilization(self) -> dict[str, int]:
        """How much of each GPU is used now, in percent by its id; of none that does not tell."""
        ...

    async def pull(self, job: Job, progress: Progress) -> None:
        """Bring the image, when it is absent or tagged `latest`.

        Raises `ImageNotFound`, `ImagePullDenied`, `ImagePullFailed`, `InstanceUnreachable`.
        A registry that does not answer is only logged when the image is there.
        """
        ...

    async def start(self, job: Job) -> JobState:
        """Create and start, or find what an earlier call with this token made.

        Raises `ContainerCreateFailed`, `VolumeFailed`, `RuntimeUnsupported`, `InstanceUnreachable`.
        """
        ...

    async def state(self, token: str) -> JobState:
        """What has become of it. Raises `InstanceUnreachable`."""
        ...

    async def wait(self, token: str) -> JobState:
        """Return when it has exited or is missing. Raises `InstanceUnreachable`."""
        ...

    def follow(self, token: str, cursor: str) -> AsyncGenerator[LogBatch, None]:
        """Every log entry after `cursor` (empty: from the start), exactly once, as it comes.

        Whoever asks for the next batch has stored the last one. Ends when the job has ended and all
        of its log was yielded. Raises `InstanceUnreachable`;
        then call again with the last stored cursor. A job that is missing has no log.
        """
        ...

    async def stop(self, token: str, grace: timedelta) -> JobState:
        """SIGTERM to the application, SIGKILL after `grace`; returns when it has ended."""
        ...

    async def remove(self, token: str) -> bool:
        """Kill and remove whatever exists under this token; whether there was anything."""
        ...

    async def tokens(self) -> frozenset[str]:
        """The tokens of all jobs of this server on this machine, in whatever phase."""
        ...
