"""Which files belong to the code, and what the repository is called."""

import hashlib
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from cli.repository import find_repository, without_credentials
from perdure.errors import InvalidInput


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repo(workplace: Path) -> Path:
    git(workplace, "init", "-q")
    (workplace / "app").mkdir()
    (workplace / "app" / "main.py").write_text("print()")
    (workplace / "README").write_text("read me")
    (workplace / ".gitignore").write_text("*.bin\n")
    git(workplace, "add", ".")
    git(workplace, "commit", "-qm", "first")
    return workplace


def test_the_root_is_the_top_of_the_work_tree_and_the_place_below_it_is_kept(repo: Path) -> None:
    found = find_repository(repo / "app")
    assert found.root == repo
    assert found.working_dir == "app"


def test_local_changes_and_new_files_belong_to_it_and_ignored_ones_do_not(repo: Path) -> None:
    (repo / "new.py").write_text("")
    (repo / "model.bin").write_text("")
    (repo / "README").unlink()
    assert find_repository(repo).files() == [".gitignore", "app/main.py", "new.py"]


def test_dstackignore_leaves_out_what_git_tracks(repo: Path) -> None:
    (repo / "app" / ".dstackignore").write_text("main.py\n")
    (repo / ".dstackignore").write_text("/README\n")
    assert find_repository(repo).files() == [".dstackignore", ".gitignore", "app/.dstackignore"]


def test_submodules_go_as_they_are_checked_out(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "lib.py").write_text("")
    git(other, "add", ".")
    git(other, "commit", "-qm", "first")
    git(repo, "submodule", "add", "-q", str(other), "lib")
    (repo / "lib" / "fresh.py").write_text("")
    files = find_repository(repo).files()
    assert [file for file in files if file.startswith("lib")] == ["lib/fresh.py", "lib/lib.py"]


def test_a_submodule_that_is_not_checked_out_has_no_files(repo: Path, tmp_path: Path) -> None:
    test_submodules_go_as_they_are_checked_out(repo, tmp_path)
    git(repo, "submodule", "deinit", "-q", "-f", "lib")
    assert not [file for file in find_repository(repo).files() if file.startswith("lib")]


def test_names_are_kept_whatever_they_hold(repo: Path) -> None:
    for name in ("ümlaut\n.py", " blank "):
        (repo / name).write_text("")
    assert {"ümlaut\n.py", " blank "} <= set(find_repository(repo).files())


def test_a_folder_without_git_honours_both_ignore_files_at_each_level(workplace: Path) -> None:
    for name in ("a.py", "a.bin", "data/x", "data/keep/y", "sub/b.py", "sub/c.bin", "sub/d.log"):
        file = workplace / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    (workplace / ".gitignore").write_text("*.bin\ndata/\n!data/keep/y\n")
    (workplace / "sub" / ".gitignore").write_text("!c.bin\n")
    (workplace / "sub" / ".dstackignore").write_text("*.log\n")
    files = find_repository(workplace).files()
    assert [file for file in files if "ignore" not in file] == ["a.py", "sub/b.py", "sub/c.bin"]


def test_a_folder_without_git_is_its_own_root(workplace: Path) -> None:
    found = find_repository(workplace)
    assert (found.root, found.working_dir) == (workplace, ".")
    assert found.id == hashlib.sha256(str(workplace).encode()).hexdigest()


def test_sockets_pipes_and_devices_are_no_code(repo: Path, workplace: Path) -> None:
    (repo / "README").unlink()
    os.mkfifo(repo / "README")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(workplace / "api.sock"))
        assert find_repository(repo).files() == [".gitignore", "app/main.py"]
        shutil.rmtree(repo / ".git")
        assert find_repository(repo).files() == [".gitignore", "app/main.py"]


def test_a_home_directory_is_no_folder_of_code(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(workplace))
    with pytest.raises(InvalidInput, match="keys too, would be uploaded") as refused:
        find_repository(workplace)
    assert "--no-repo" in refused.value.hint
    git(workplace, "init", "-q")
    assert find_repository(workplace).is_git


def test_the_id_comes_from_the_remote_without_its_credentials(repo: Path) -> None:
    url = "https://example.com/team/llm.git"
    git(repo, "remote", "add", "origin", "https://ann:s3cret@example.com/team/llm.git")
    assert find_repository(repo).id == hashlib.sha256(url.encode()).hexdigest()


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://token@example.com/a", "https://example.com/a"),
        ("ssh://git@example.com:22/a", "ssh://example.com:22/a"),
        ("git@example.com:a/b.git", "git@example.com:a/b.git"),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ],
)
def test_credentials_are_what_stands_before_the_host(url: str, plain: str) -> None:
    assert without_credentials(url) == plain


def test_the_environment_of_a_git_hook_does_not_lead_elsewhere(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert find_repository(repo).is_git


def test_a_url_is_not_a_folder(workplace: Path) -> None:
    with pytest.raises(InvalidInput, match="not a folder"):
        find_repository(Path("https://example.com/a.git"))
