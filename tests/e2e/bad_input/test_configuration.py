"""Mistakes in a file, or around it, are told before anything begins."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Perdure
from tests.e2e.bad_input.line import Line, example
from tests.e2e.bad_input.lines import configuration as lines
from tests.e2e.installation import Installation
from tests.ports import free_port


@example(*lines.WITHOUT_SERVER)
@pytest.mark.parametrize("line", lines.WITHOUT_SERVER, ids=lambda line: line.situation)
def test_a_mistake_in_the_file_is_told_without_a_server(
    perdure: Perdure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: Line
) -> None:
    home, folder = tmp_path / "home", tmp_path / "app"
    home.mkdir()
    folder.mkdir()
    (folder / ".dstack.yml").write_text(line.file)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PERDURE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("PERDURE_TOKEN", "any")
    said = perdure(*line.given.split()[1:])
    line.check(said.code, said.err)
    assert said.out == ""
    assert (os.listdir(home), os.listdir(folder)) == ([], [".dstack.yml"])


@example(lines.SECRET)
def test_an_unknown_secret_is_told_by_the_plan(running: Installation, tmp_path: Path) -> None:
    (tmp_path / ".dstack.yml").write_text(lines.SECRET.file)
    before = running.names()
    done = running.run("apply", "-y", folder=tmp_path)
    lines.SECRET.check(done.returncode, done.stderr)
    assert running.names() == before


@example(lines.REPOSITORY)
def test_the_largest_files_are_named_and_nothing_is_sent(
    running: Installation, tmp_path: Path
) -> None:
    (tmp_path / ".dstack.yml").write_text(lines.REPOSITORY.file)
    for number in range(1, 8):
        with (tmp_path / f"weights-{number}.bin").open("wb") as file:
            file.truncate(number * 10 * 1024 * 1024)  # sparse: it has the size, and no bytes
    before = os.listdir(running.data / "code")
    done = running.run("apply", "-y", folder=tmp_path)
    lines.REPOSITORY.check(done.returncode, done.stderr, {str(tmp_path): "~/app"})
    assert os.listdir(running.data / "code") == before
