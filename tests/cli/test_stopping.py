"""`stop`, `delete`: the end of runs."""

from pathlib import Path

from tests.cli.conftest import Perdure
from tests.cli.fake_server import FakeServer
from tests.cli.screen import shown_blocks


def test_stop_waits_until_the_run_has_ended(server: FakeServer, perdure: Perdure) -> None:
    said = perdure("stop", "llm", "-y", "-x")
    assert said.code == 0
    assert server.stopped == [("llm", True)]
    assert said.err.endswith("The run llm has ended: stopped.\n")


def test_stop_of_an_unknown_run_is_not_found_and_the_others_are_stopped(
    server: FakeServer, perdure: Perdure
) -> None:
    said = perdure("stop", "nobody", "llm", "-y")
    assert said.code == 3
    assert said.err.startswith(shown_blocks("error: There is no run")[0])
    assert server.stopped == [("llm", False)]


def test_delete_stops_the_run_of_a_file(
    server: FakeServer, perdure: Perdure, workplace: Path
) -> None:
    file = workplace / "a.dstack.yml"
    file.write_text("type: service\nname: llm\nport: 80\ncommands: [x]\n")
    assert perdure("delete", "-f", "a.dstack.yml", "-y").code == 0
    assert server.stopped == [("llm", False)]
    file.write_text("type: service\nport: 80\ncommands: [x]\n")
    assert perdure("delete", "-f", "a.dstack.yml", "-y").code == 2


def test_a_name_that_nobody_has_is_told_before_anything_is_asked(
    perdure: Perdure, server: FakeServer
) -> None:
    said = perdure("stop", "nobody")
    assert (said.code, server.stopped) == (3, [])
    assert "There is no run `nobody`" in said.err
