"""Histories of releases are frozen: a folder for each, and the hash of every file in a list.

`python -m tests.histories.frozen NAME` freezes those of `next` under the name of a release.
`sha256sum -c frozen.sha256` in this folder checks them without us.
"""

import hashlib
import sys
from pathlib import Path

from tests.workflows import commands
from tests.workflows.recording import HISTORIES, NEXT

LIST = "frozen.sha256"


def freeze(name: str, histories: Path = HISTORIES) -> int:
    """Freeze what no release has made yet; how many files it were. Raises `FileExistsError`."""
    folder = histories / name
    (histories / NEXT.name).rename(_free(folder))
    (folder / commands.NAME).write_text(commands.render(folder))
    lines = [f"{_hash(file)}  {file.relative_to(histories)}\n" for file in sorted(folder.iterdir())]
    with (histories / LIST).open("a") as listed:
        listed.writelines(lines)
    return len(lines)


def listed(histories: Path = HISTORIES) -> dict[str, str]:
    """The hash of each frozen file by its path."""
    lines = (histories / LIST).read_text().splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def there(histories: Path = HISTORIES) -> dict[str, str]:
    """The same of the files that are there, those of `next` and our own code excepted."""
    return {
        str(file.relative_to(histories)): _hash(file)
        for folder in histories.iterdir()
        if folder.is_dir() and folder.name not in (NEXT.name, "__pycache__")
        for file in folder.iterdir()
    }


def _free(folder: Path) -> Path:
    if folder.exists():
        raise FileExistsError(f"{folder} is frozen already")
    return folder


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.stderr.write(f"{freeze(sys.argv[1])} files are frozen.\n")
