"""What a release has recorded stays as it is: runs with just these histories are out there."""

from pathlib import Path

import pytest

from tests.histories import frozen
from tests.workflows import commands
from tests.workflows.recording import HISTORIES, Recorder, files, raw

WHAT_TO_DO = """
Histories of a release are not as they were: {files}.
They stand for runs that live on the machines of others, and are never changed or removed:
`git checkout` brings them back. When one does not replay any more, it is the code that has to keep
the old steps, see CONTRIBUTING.md, "Workflow histories".
"""


def require_unchanged(histories: Path) -> None:
    listed, there = frozen.listed(histories), frozen.there(histories)
    changed = sorted(
        path for path in listed.keys() | there.keys() if listed.get(path) != there.get(path)
    )
    if changed:
        pytest.fail(WHAT_TO_DO.format(files=", ".join(changed)), pytrace=False)


def test_the_histories_of_releases_are_unchanged() -> None:
    assert "first/commands.txt" in frozen.listed()
    require_unchanged(HISTORIES)


def record(histories: Path) -> None:
    """As `make histories` does."""
    source = HISTORIES / "first" / "test_no_offer_fails_the_run_with_no_capacity.json"
    (histories / "next").mkdir()
    (histories / "next" / "scenario.json").write_bytes(source.read_bytes())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder of histories with one release, and what was recorded since."""
    (tmp_path / frozen.LIST).touch()
    record(tmp_path)
    assert frozen.freeze("old", tmp_path) == 2
    record(tmp_path)
    require_unchanged(tmp_path)
    return tmp_path


def test_a_change_of_one_is_told_with_what_to_do(copy: Path) -> None:
    file = copy / "old" / "scenario.json"
    file.write_text(file.read_text().replace("search_offers", "search_offer"))
    with pytest.raises(pytest.fail.Exception, match=r"old/scenario\.json") as told:
        require_unchanged(copy)
    assert "never changed or removed" in str(told.value)


def test_one_that_is_removed_or_added_is_told(copy: Path) -> None:
    file = copy / "old" / "scenario.json"
    file.rename(copy / "old" / "renamed.json")
    with pytest.raises(pytest.fail.Exception, match=r"old/renamed\.json, old/scenario\.json"):
        require_unchanged(copy)


def test_what_no_release_has_made_may_change(copy: Path) -> None:
    (copy / "next" / "scenario.json").write_text("[]")
    require_unchanged(copy)


def test_a_release_is_frozen_once(copy: Path) -> None:
    with pytest.raises(FileExistsError):
        frozen.freeze("old", copy)
    assert frozen.freeze("new", copy) == 2
    require_unchanged(copy)


def test_only_courses_that_no_release_had_are_recorded(copy: Path) -> None:
    recorder = Recorder(copy / "next", copy)
    events, *_ = raw(copy / "old" / "scenario.json").values()
    assert recorder.knows(events)
    assert not recorder.knows(events[:-1])


def test_the_commands_of_each_folder_are_there_to_be_read() -> None:
    for folder in {file.parent for file in files()}:
        assert (folder / commands.NAME).read_text() == commands.render(folder)
    text = (HISTORIES / "first" / commands.NAME).read_text()
    for line in (
        "    RunWorkflow run/main/web",
        "        deed create_instance #2 on cloud",
        "        signal replica_event to run/main/web",
        "        continue as new",
    ):
        assert f"{line}\n" in text
