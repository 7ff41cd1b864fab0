"""A server that cannot start says why and leaves no process; one whose disk is full goes on."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.bad_input.line import example
from tests.e2e.bad_input.lines import server as lines
from tests.e2e.installation import PERDURE, Installation, service
from tests.e2e.programs import HELLO, program
from tests.ports import free_port
from tests.testbed.tool import run

MEGABYTE = 1 << 20


def start(place: Installation) -> "subprocess.CompletedProcess[str]":
    """`perdure server`, which ends."""
    return subprocess.run(
        [*PERDURE, "server"],
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def processes(place: Installation) -> list[int]:
    """Those that know the data directory of this installation."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == str(place.home):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@example(lines.PORT)
def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Installation(tmp_path, taken.getsockname()[1], 0)
        done = start(place)
    lines.PORT.check(done.returncode, done.stderr, {str(place.port): "3000"})
    assert processes(place) == []
    assert not place.data.joinpath("perdure.db").exists()


@pytest.fixture
def little_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 100 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", folder)
    yield folder
    run("umount", "--lazy", folder)


@example(lines.START)
def test_a_disk_without_room_is_told_before_anything_starts(little_disk: Path) -> None:
    place = Installation(little_disk, free_port(), 0)
    done = start(place)
    free = re.findall(r"\d+ MB are free", done.stderr)
    usual = {str(place.home): "~", **dict.fromkeys(free, "100 MB are free")}
    lines.START.check(done.returncode, done.stderr, usual)
    assert processes(place) == []
    assert not [file for file in place.data.rglob("*") if file.is_file()]


@example(lines.FULL)
@pytest.mark.long
def test_a_disk_that_fills_up_is_told_and_what_runs_goes_on(
    small: Installation, tmp_path: Path
) -> None:
    port = free_port()
    folder = service(tmp_path / "kept", port, program(HELLO, port))
    small.perdure("apply", "-y", "-d", folder=folder)
    small.until_ready("kept")
    code = os.listdir(small.data / "code")
    filler = small.home / "filler"
    with filler.open("wb") as file:
        left = shutil.disk_usage(small.home).free - 32 * MEGABYTE
        os.posix_fallocate(file.fileno(), 0, left)
    try:
        other = tmp_path / "other"
        other.mkdir()
        (other / ".dstack.yml").write_text(lines.FULL.file)
        done = small.run("apply", "-y", folder=other)
        free = re.findall(r"\d+ MB are free", done.stderr)
        lines.FULL.check(done.returncode, done.stderr, dict.fromkeys(free, "31 MB are free"))
        assert [run["name"] for run in small.runs()] == ["kept"]
        assert os.listdir(small.data / "code") == code
        small.until_answered("/proxy/services/main/kept/", 200)
        small.perdure("stop", "-y", "kept")
    finally:
        filler.unlink()
    small.perdure("apply", "-y", "-d", folder=folder)
