"""A replica of a test: its code, how it is run, and what it says."""

import asyncio
import io
import tarfile
from datetime import timedelta
from pathlib import Path

from hosts.base import Runtime
from spec.job import Job, JobCode
from spec.log import LogStream

TOKEN = "main/llm/1/r0"
SECOND = timedelta(seconds=1)


async def output(runtime: Runtime, token: str = TOKEN, stream: LogStream = LogStream.STDOUT) -> str:
    """All that it says until it ends, of one of its outputs."""
    entries = [entry async for batch in runtime.follow(token, "") for entry in batch.entries]
    return "\n".join(entry.text.decode() for entry in entries if entry.stream is stream)


async def run(runtime: Runtime, job: Job) -> str:
    """What it says to the end on stdout."""
    await runtime.start(job)
    await runtime.wait(job.token)
    return await output(runtime, job.token)


async def has_said(runtime: Runtime, text: str) -> None:
    """Wait until the replica has said this."""
    async with asyncio.timeout(20):
        async for batch in runtime.follow(TOKEN, ""):
            if any(text in entry.text.decode() for entry in batch.entries):
                return
    raise AssertionError(f"it ended without having said {text!r}")


def archive(tmp_path: Path, files: dict[str, str]) -> JobCode:
    path = tmp_path / "code.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(content.encode()))
    return JobCode(path=str(path), limit=10_000)
