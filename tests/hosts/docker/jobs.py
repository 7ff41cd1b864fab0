"""Jobs to run, and what they leave."""

from collections.abc import Sequence
from typing import Any

from hosts.docker import DockerRuntime
from spec.job import Job, JobLabels
from spec.log import LogEntry, LogStream
from tests.testbed.fixtures import BASE_IMAGE

SERVER = "server-1"


def job(token: str, *command: str, server: str = SERVER, **more: Any) -> Job:
    """A job that runs `command` in the base image."""
    labels = JobLabels(server=server, project="main", run="llama", replica="0")
    return Job(
        **{"token": token, "labels": labels, "image": BASE_IMAGE, "command": command, "port": 8000}
        | more
    )


def shell(token: str, script: str, **more: Any) -> Job:
    """A job that runs `script` as a configuration's `commands` are run."""
    return job(token, "/bin/bash", "-i", "-c", f"trap 'exit $?' TERM; {script}", **more)


async def log_of(runtime: DockerRuntime, token: str) -> list[LogEntry]:
    """All entries, when the job has ended."""
    return [entry async for batch in runtime.follow(token, "") for entry in batch.entries]


def text_of(entries: Sequence[LogEntry], stream: LogStream = LogStream.STDOUT) -> str:
    """What was written to one stream."""
    pieces = (
        entry.text + (b"" if entry.partial else b"\n")
        for entry in entries
        if entry.stream is stream
    )
    return b"".join(pieces).decode()


async def output(runtime: DockerRuntime, job: Job) -> str:
    """Run a job to its end; its standard output."""
    await runtime.start(job)
    await runtime.wait(job.token)
    return text_of(await log_of(runtime, job.token)).strip()
