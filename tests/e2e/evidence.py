"""What an installation looked like when a command of its user did not end."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from perdure.data_dir import DataDir

TEMPORAL = Path(sys.executable).with_name("temporal")
LOG = 8_000
"""Characters of the server's log, from its end."""


def evidence(data: Path, log: Path) -> str:
    """The workflows that are open, what each of them waits for, and the end of the log."""
    ports = json.loads(DataDir(data).temporal_ports.read_text())
    address = f"127.0.0.1:{ports['grpc']}"
    open_ones = _asked(address, "list", "--query", "ExecutionStatus='Running'", "-o", "jsonl")
    said = [_asked(address, "describe", "-w", each) for each in _ids(open_ones)]
    return "\n\n".join([*said, log.read_text(errors="replace")[-LOG:]])


def _ids(listed: str) -> Iterator[str]:
    for line in listed.splitlines():
        if line.startswith("{"):
            yield json.loads(line)["execution"]["workflowId"]


def _asked(address: str, *question: str) -> str:
    done = subprocess.run(
        [TEMPORAL, "workflow", *question, "--address", address, "--command-timeout", "5s"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
