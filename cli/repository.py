"""The repository around a folder: where it begins, what it is called, and which files are in it."""

import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.ignore import IgnoreRules
from perdure.errors import InvalidInput, sentence

DSTACK_IGNORE = ".dstackignore"
GIT_IGNORE = ".gitignore"


@dataclass(frozen=True)
class LocalRepository:
    """A folder of code: the work tree of a git repository, or a folder as it is.

    `working_dir` is where the user stands, below the root.
    """

    root: Path
    working_dir: str
    is_git: bool

    @property
    def id(self) -> str:
        """A stable identity: the SHA-256 (hex) of its remote's URL, else of its path."""
        remote = _remote_url(self.root) if self.is_git else None
        return hashlib.sha256(os.fsencode(remote or self.root)).hexdigest()

    def files(self) -> list[str]:
        """The paths of all files and links that belong to the code, from the root, in order.

        Of a git repository: what is tracked, or untracked and not ignored, as it is in the work
        tree. `.dstackignore` leaves out more; without git, so does `.gitignore`. Sockets, pipes
        and devices never belong to it, as in git.
        """
        if self.is_git:
            rules = IgnoreRules(self.root, (DSTACK_IGNORE,))
            found = {path for path in _git_files(self.root) if not rules.ignores_file(path)}
        else:
            rules = IgnoreRules(self.root, (GIT_IGNORE, DSTACK_IGNORE))
            found = set(_folder_files(self.root, rules))
        return sorted(filter(self._is_file_or_link, found), key=os.fsencode)

    def _is_file_or_link(self, path: str) -> bool:
        mode = (self.root / path).lstat().st_mode
        return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def find_repository(folder: Path) -> LocalRepository:
    """The repository that `folder` is in.

    Raises `InvalidInput` when it cannot be read, and for a home directory, whose keys would travel.
    """
    here = folder.resolve()
    if not here.is_dir():
        raise InvalidInput(f"`{folder}` is not a folder.", hint="`--repo` takes a local folder.")
    root = _git_root(here)
    if root is None:
        if here in (Path.home().resolve(), Path("/")):
            raise InvalidInput(
                f"`{here}` is no folder of code: all in it, keys too, would be uploaded.",
                hint="Put the service into a folder of its own, or apply with `--no-repo`.",
            )
        return LocalRepository(here, ".", is_git=False)
    return LocalRepository(root, here.relative_to(root).as_posix(), is_git=True)


def _git_root(folder: Path) -> Path | None:
    try:
        done = _git(folder, "rev-parse", "--show-toplevel")
    except FileNotFoundError:
        return None
    if done.returncode == 0:
        return Path(os.fsdecode(done.stdout.rstrip(b"\n"))).resolve()
    said = done.stderr.decode(errors="replace").strip()
    if "not a git repository" in said:
        return None
    raise InvalidInput(
        sentence(f"`git` cannot read the repository at `{folder}`: {said}"),
        hint="Repair it, or apply with `--no-repo` when the service needs no code.",
    )


def _git_files(root: Path, prefix: str = "") -> Iterator[str]:
    done = _git(root / prefix, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise InvalidInput(sentence(f"`git` cannot list the files of `{root / prefix}`: {said}"))
    for name in done.stdout.split(b"\0"):
        path = prefix + os.fsdecode(name).rstrip("/")
        full = root / path
        if not name or not os.path.lexists(full):
            continue
        if full.is_dir() and not full.is_symlink():
            # A submodule or a nested repository; one that is not checked out has no `.git`.
            if (full / ".git").exists():
                yield from _git_files(root, f"{path}/")
        else:
            yield path


def _folder_files(root: Path, rules: IgnoreRules) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        below = Path(folder).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [
            name
            for name in folders
            if name != ".git" and name not in links and not rules.ignores_folder(prefix + name)
        ]
        for name in (*names, *links):
            if name != ".git" and not rules.ignores_file(prefix + name):
                yield prefix + name


def _remote_url(root: Path) -> str | None:
    remotes = _git(root, "remote").stdout.decode(errors="replace").split()
    if not remotes:
        return None
    name = "origin" if "origin" in remotes else remotes[0]
    url = _git(root, "remote", "get-url", name).stdout.decode(errors="replace").strip()
    return without_credentials(url) or None


def without_credentials(url: str) -> str:
    """The URL without user name, password and token; `git@host:path` names nobody and stays."""
    return re.sub(r"^([a-zA-Z][\w+.-]*://)[^/@]*@", r"\1", url)


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # A hook's own `GIT_DIR` must not answer for this folder; a monitor of the file system is a
    # program that a repository may name: none is started.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    return subprocess.run(
        command, capture_output=True, check=False, env=environment | {"LC_ALL": "C"}
    )
