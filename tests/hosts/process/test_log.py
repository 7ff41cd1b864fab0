"""The log of a replica: each byte once, whatever is killed in between."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hosts.process.folder import Order, Record, ReplicaFolder
from hosts.process.log import follow
from hosts.process.runtime import SHIM
from hosts.process.shim import BACKLOG, SEGMENT
from spec.log import LogEntry, LogStream


@pytest.fixture
def folder(tmp_path: Path) -> ReplicaFolder:
    made = ReplicaFolder(tmp_path / "control", tmp_path / "home")
    made.control.mkdir()
    made.write("job.json", Record(token="t", server="s", port=1, uid=None))
    return made


def start(folder: ReplicaFolder, script: str) -> None:
    order = Order(argv=(sys.executable, "-c", script), env={}, cwd="/", code="/", uid=None)
    subprocess.run(
        [sys.executable, "-I", "-S", str(SHIM), str(folder.control)],
        input=order.model_dump_json().encode(),
        check=True,
    )


async def everything(folder: ReplicaFolder, cursor: str = "") -> list[LogEntry]:
    return [entry async for batch in follow(folder, cursor) for entry in batch.entries]


def lines(entries: list[LogEntry], stream: LogStream = LogStream.STDOUT) -> list[bytes]:
    whole, rest = [], b""
    for entry in entries:
        if entry.stream is not stream:
            continue
        rest += entry.text
        if not entry.partial:
            whole.append(rest)
            rest = b""
    return [*whole, rest] if rest else whole


async def test_a_follower_that_is_cut_off_often_gets_each_line_once(folder: ReplicaFolder) -> None:
    start(folder, "for n in range(60_000): print('line', n)")
    stored: list[LogEntry] = []
    cursor, over = "", False
    while not over:
        over = True
        async for batch in follow(folder, cursor):
            stored += batch.entries
            cursor, over = batch.cursor, False
            break
    assert lines(stored) == [f"line {n}".encode() for n in range(60_000)]


async def test_a_log_goes_on_over_segments_and_read_ones_are_deleted(folder: ReplicaFolder) -> None:
    start(folder, "for n in range(40_000): print(str(n) * 200)")
    entries = await everything(folder)
    assert lines(entries) == [(str(n) * 200).encode() for n in range(40_000)]
    left = sorted(path.name for path in folder.control.glob("log.*"))
    assert len(left) == 1
    assert left != ["log.000000"]


def waiting(folder: ReplicaFolder) -> int:
    """The bytes of log that are not collected."""
    return sum(path.stat().st_size for path in folder.control.glob("log.*"))


async def until_behind(folder: ReplicaFolder) -> None:
    async with asyncio.timeout(60):
        while waiting(folder) < BACKLOG * SEGMENT:
            await asyncio.sleep(0.01)


async def test_an_application_waits_while_its_log_is_not_collected(folder: ReplicaFolder) -> None:
    total = (BACKLOG + 3) * SEGMENT // 4000
    start(folder, f"for n in range({total}): print(str(n).zfill(4000))")
    await until_behind(folder)
    most, numbers = 0, []
    async for batch in follow(folder, ""):
        most = max(most, waiting(folder))
        numbers += [int(entry.text) for entry in batch.entries]
    assert numbers == list(range(total))
    assert most < (BACKLOG + 1) * SEGMENT
    assert folder.state().exit_code == 0


async def test_an_application_that_waits_can_be_stopped_and_its_log_is_whole(
    folder: ReplicaFolder,
) -> None:
    start(folder, "import itertools\nfor n in itertools.count(): print(str(n).zfill(4000))")
    await until_behind(folder)
    folder.write("stop.json", {"grace": 0.0})
    os.kill(folder.pid() or 0, 15)
    async with asyncio.timeout(60):
        while not folder.has_ended:
            await asyncio.sleep(0.01)
    assert waiting(folder) < (BACKLOG + 1) * SEGMENT
    *told, _ = lines(await everything(folder))
    assert [int(line) for line in told] == list(range(len(told)))


async def test_nothing_of_a_batch_is_deleted_before_the_next_is_asked_for(
    folder: ReplicaFolder,
) -> None:
    start(folder, "for n in range(40_000): print(str(n) * 200)")
    follower = follow(folder, "")
    await anext(follower)
    await follower.aclose()
    assert len(lines(await everything(folder))) == 40_000


async def test_long_lines_come_in_pieces_and_odd_bytes_stay(folder: ReplicaFolder) -> None:
    start(
        folder,
        "import sys; sys.stdout.buffer.write(b'x' * 50_000 + b'\\n\\xff\\x00 \\r\\n\\n' + b'end')",
    )
    entries = await everything(folder)
    assert lines(entries) == [b"x" * 50_000, b"\xff\x00 \r", b"", b"end"]
    assert max(len(entry.text) for entry in entries) == 16_384


async def test_a_line_without_its_end_is_told_soon(folder: ReplicaFolder) -> None:
    start(folder, "import sys, time; print('password: ', end='', flush=True); time.sleep(600)")
    follower = follow(folder, "")
    async with asyncio.timeout(20):
        batch = await anext(follower)
    assert [(entry.text, entry.partial) for entry in batch.entries] == [(b"password: ", True)]
    await follower.aclose()
    folder.write("stop.json", {"grace": 0.0})
    os.kill(folder.pid() or 0, 15)
    await everything(folder)


async def test_the_two_outputs_keep_their_order_and_times(folder: ReplicaFolder) -> None:
    start(
        folder,
        "import sys\n"
        "for n in range(100): print(n, file=(sys.stdout, sys.stderr)[n % 2], flush=True)",
    )
    entries = await everything(folder)
    assert lines(entries) == [str(n).encode() for n in range(0, 100, 2)]
    assert lines(entries, LogStream.STDERR) == [str(n).encode() for n in range(1, 100, 2)]
    times = [entry.at for entry in entries]
    assert times == sorted(times)


async def test_a_torn_last_line_of_a_killed_shim_is_left_out(folder: ReplicaFolder) -> None:
    (folder.control / "exit.json").write_text('{"code": 137}')
    whole = b"2026-01-02T03:04:05.000000006Z stdout F whole\n"
    (folder.control / "log.000000").write_bytes(whole + b"2026-01-02T03:04:05.0000")
    (entry,) = await everything(folder)
    assert entry == LogEntry(at=1767323045000000006, stream=LogStream.STDOUT, text=b"whole")


async def test_a_program_that_forks_all_the_time_ends_with_its_replica(
    folder: ReplicaFolder,
) -> None:
    script = (
        "import os, time, sys\n"
        "for n in range(40):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        while True:\n"
        "            if os.fork():\n"
        "                os._exit(0)\n"
        "            time.sleep(0.005)\n"
        "print('main ends')\n"
    )
    start(folder, script)
    assert lines(await everything(folder)) == [b"main ends"]
    assert folder.has_ended
