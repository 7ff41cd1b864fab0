"""The client's file is read and written in one way, by the command line and by the first start."""

import stat
from pathlib import Path

import pytest
import yaml

from perdure.client_config import (
    KnownProject,
    KnownProjects,
    client_file,
    introduce_own_server,
    load,
    save,
)
from perdure.errors import InvalidConfiguration, NotFound

HERE = KnownProject(name="main", url="http://localhost:3000", token="here", default=True)
THERE = KnownProject(name="team", url="https://there.example", token="there")
NOTHING = KnownProjects()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".perdure" / "config.yml"


def test_it_is_its_owners_only_and_reads_back(file: Path) -> None:
    known = KnownProjects(projects=(HERE, THERE))
    assert load(file) == NOTHING
    save(known, file)
    assert load(file) == known
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["config.yml"]


def test_it_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PERDURE_CONFIG", raising=False)
    assert client_file() == tmp_path / ".perdure" / "config.yml"
    monkeypatch.setenv("PERDURE_CONFIG", str(tmp_path / "other.yml"))
    assert client_file() == tmp_path / "other.yml"


def test_what_we_do_not_know_stays_in_it(file: Path) -> None:
    file.parent.mkdir(parents=True)
    entry = THERE.model_dump() | {"color": "red"}
    file.write_text(yaml.safe_dump({"editor": "vi", "projects": [entry]}))
    save(load(file).with_project(HERE).with_default("team").without("main"), file)
    assert yaml.safe_load(file.read_text()) == {
        "editor": "vi",
        "projects": [entry | {"default": True}],
    }


@pytest.mark.parametrize(
    "content",
    [b"projects: [{name: a, token: s3cret}]", b"projects: [ {s3cret", b"- s3cret", b"\xff"],
)
def test_a_broken_one_is_told_without_what_is_in_it(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(InvalidConfiguration, match="cannot be read") as told:
        load(file)
    assert "s3cret" not in told.value.message


def test_one_that_cannot_be_written_says_why_and_leaves_nothing(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(InvalidConfiguration, match="cannot be written: Is a directory"):
        save(NOTHING, file)
    assert [path.name for path in file.parent.iterdir()] == ["config.yml"]


def test_the_first_project_is_the_default_and_one_only_is() -> None:
    first = NOTHING.with_project(THERE)
    assert first.default == THERE.model_copy(update={"default": True})
    both = first.with_project(HERE)
    assert [entry.default for entry in both.projects] == [False, True]
    assert both.with_default("team").default.name == "team"  # type: ignore[union-attr]
    with pytest.raises(NotFound):
        both.with_default("nobody")


class TestOwnServer:
    def introduced(self, file: Path, *known: KnownProject) -> KnownProjects:
        if known:
            save(KnownProjects(projects=known), file)
        introduce_own_server(file, "main", "http://localhost:4000", "new")
        return load(file)

    def test_is_the_default_where_it_is_the_first(self, file: Path) -> None:
        own = KnownProject(name="main", url="http://localhost:4000", token="new", default=True)
        assert self.introduced(file) == KnownProjects(projects=(own,))

    def test_comes_after_what_is_known(self, file: Path) -> None:
        other = THERE.model_copy(update={"default": True})
        own = KnownProject(name="main", url="http://localhost:4000", token="new")
        assert self.introduced(file, other) == KnownProjects(projects=(other, own))

    def test_is_renewed_in_its_place(self, file: Path) -> None:
        own = HERE.model_copy(update={"url": "http://localhost:4000", "token": "new"})
        moved = HERE.model_copy(update={"token": "new"})
        assert self.introduced(file, moved, THERE) == KnownProjects(projects=(own, THERE))
        anew = HERE.model_copy(update={"url": "http://localhost:4000"})
        assert self.introduced(file, anew, THERE) == KnownProjects(projects=(own, THERE))
        before = file.stat().st_mtime_ns, file.stat().st_ino
        self.introduced(file)
        assert (file.stat().st_mtime_ns, file.stat().st_ino) == before

    @pytest.mark.parametrize("other", [HERE, THERE.model_copy(update={"name": "main"})])
    def test_does_not_take_the_place_of_another_server(
        self, file: Path, other: KnownProject
    ) -> None:
        assert self.introduced(file, other) == KnownProjects(projects=(other,))
        assert introduce_own_server(file, "main", "http://localhost:4000", "new") == other.url

    def test_leaves_the_address_of_its_own_that_the_user_chose(self, file: Path) -> None:
        chosen = KnownProject(name="main", url="https://llm.example", token="new")
        assert self.introduced(file, chosen) == KnownProjects(projects=(chosen,))
