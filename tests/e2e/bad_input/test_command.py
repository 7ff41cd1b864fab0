"""An application that does not serve ends its run, which says why; nothing of it is left."""

from pathlib import Path

import psutil

from tests.e2e.bad_input.line import Line, example
from tests.e2e.bad_input.lines import command as lines
from tests.e2e.containers import containers
from tests.e2e.installation import Installation
from tests.ports import free_port
from tests.testbed.engine import Engine
from tests.testbed.fixtures import BASE_IMAGE

EXITS = """
for number in range(1, 8):
    print("line", number)
raise SystemExit(5)
"""
GREEDY = "kept = [bytearray(1 << 20) for _ in range(1000)]"


def written(folder: Path, line: Line, source: str = "") -> Path:
    """A folder with the line's file, on a free port, and an application."""
    folder.mkdir()
    text = line.file.replace("8000", str(free_port())).replace("example/base:1", BASE_IMAGE)
    (folder / ".dstack.yml").write_text(text)
    (folder / "app.py").write_text(source)
    return folder


def processes(name: str) -> list[str]:
    """The command lines of the processes of a run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DSTACK_RUN_NAME") == name:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@example(lines.NOT_FOUND)
def test_a_command_that_is_not_there_is_told(running: Installation, tmp_path: Path) -> None:
    done = running.run("apply", "-y", folder=written(tmp_path / "unfound", lines.NOT_FOUND))
    lines.NOT_FOUND.check(done.returncode, done.stderr)
    assert "no-such-command: command not found" in done.stderr
    assert processes("unfound") == []


@example(lines.ENTRYPOINT)
def test_an_entrypoint_that_is_not_there_is_told(
    docker: Installation, engine: Engine, tmp_path: Path
) -> None:
    folder = written(tmp_path / "pointless", lines.ENTRYPOINT)
    done = docker.run("apply", "-y", folder=folder)
    lines.ENTRYPOINT.check(done.returncode, done.stderr)
    assert containers(engine, "pointless") == []


@example(lines.EXITS, lines.LAST_WORDS)
def test_an_application_that_exits_is_told_with_its_last_words(
    running: Installation, tmp_path: Path
) -> None:
    folder = written(tmp_path / "exits", lines.EXITS, EXITS)
    done = running.run("apply", "-y", folder=folder)
    lines.EXITS.check(done.returncode, done.stderr)
    assert done.stdout.endswith("".join(f"line {number}\n" for number in range(1, 8)))
    shown = running.run("ps", "-a", "-v")
    words = shown.stdout.partition("exits, replica 0")
    lines.LAST_WORDS.check(shown.returncode, "".join(words[1:]).partition("\nunfound")[0])
    assert processes("exits") == []


@example(lines.CLOSED)
def test_a_port_that_is_never_opened_is_named(small: Installation, tmp_path: Path) -> None:
    folder = written(tmp_path / "closed", lines.CLOSED)
    port = folder.joinpath(".dstack.yml").read_text().partition("port: ")[2].split()[0]
    done = small.run("apply", "-y", folder=folder)
    lines.CLOSED.check(done.returncode, done.stderr, {port: "8000", "After 4 s": "After 7200 s"})
    assert processes("closed") == []


@example(lines.MEMORY)
def test_memory_that_ran_out_is_told_from_other_ends(
    docker: Installation, engine: Engine, tmp_path: Path
) -> None:
    folder = written(tmp_path / "greedy", lines.MEMORY, GREEDY)
    done = docker.run("apply", "-y", folder=folder)
    lines.MEMORY.check(done.returncode, done.stderr)
    assert containers(engine, "greedy") == []
