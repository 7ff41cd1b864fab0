"""A process runtime in folders of its own; every replica that a test leaves is removed."""

import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from hosts.process.runtime import ProcessRuntime
from spec.job import Job, JobLabels

MakeJob = Callable[..., Job]


@pytest.fixture(scope="session")
def homes() -> Iterator[Path]:
    """Pytest's own folders are closed to the replicas' accounts."""
    folder = Path(tempfile.mkdtemp(prefix="perdure-homes-"))
    folder.chmod(0o711)
    yield folder / "homes"  # which goes with the last replica
    shutil.rmtree(folder)


@pytest.fixture
async def runtime(tmp_path: Path, homes: Path) -> AsyncIterator[ProcessRuntime]:
    made = ProcessRuntime(tmp_path / "replicas", "server-1", homes=homes)
    yield made
    for token in await made.tokens():
        await made.remove(token)


@pytest.fixture
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A `PATH` whose `find` fails for one path, as no test can make a file immutable everywhere."""

    def make(path: str) -> str:
        folder = tmp_path_factory.mktemp("bin")
        complaint = f"find: cannot delete '{path}/x': Operation not permitted"
        (folder / "find").write_text(
            f"""#!/bin/sh
if [ "$1" = '{path}' ]; then echo "{complaint}" >&2; exit 1; fi
exec {shutil.which("find")} "$@"
"""
        )
        (folder / "find").chmod(0o755)
        return f"{folder}:{os.environ['PATH']}"

    return make


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
        return number


@pytest.fixture
def job(port: int) -> MakeJob:
    labels = JobLabels(server="server-1", project="main", run="llm", replica="r0")

    def make(script: str, **properties: object) -> Job:
        defaults: dict[str, object] = {
            "token": "main/llm/1/r0",
            "labels": labels,
            "entrypoint": ("/bin/sh", "-i", "-c"),
            "command": (f"trap 'exit $?' TERM; {script}",),
            "port": port,
        }
        return Job.model_validate(defaults | properties)

    return make
