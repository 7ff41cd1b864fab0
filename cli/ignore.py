"""Ignore files: `.gitignore` and `.dstackignore`, at every level of a tree."""

from pathlib import Path

from pathspec import GitIgnoreSpec

from perdure.errors import InvalidInput


class IgnoreRules:
    """Which paths of a tree are left out, by the ignore files of the given names in it.

    As git does it: a file rules its folder and those below, a deeper file wins over a higher one,
    and nothing inside an ignored folder comes back.
    """

    def __init__(self, root: Path, names: tuple[str, ...]) -> None:
        self._root = root
        self._names = names
        self._specs: dict[str, tuple[GitIgnoreSpec, ...]] = {}
        self._folders: dict[str, bool] = {"": False}

    def ignores_file(self, path: str) -> bool:
        """Whether the file at `path` (`/` between its parts, from the root) is left out."""
        folder, _, _ = path.rpartition("/")
        return self.ignores_folder(folder) or self._verdict(path, is_folder=False)

    def ignores_folder(self, path: str) -> bool:
        """Whether the folder at `path`, the root being `""`, is left out with all in it."""
        if path not in self._folders:
            parent, _, _ = path.rpartition("/")
            self._folders[path] = self.ignores_folder(parent) or self._verdict(path, is_folder=True)
        return self._folders[path]

    def _verdict(self, path: str, *, is_folder: bool) -> bool:
        parts = path.split("/")
        for depth in range(len(parts) - 1, -1, -1):
            below = "/".join(parts[depth:]) + ("/" if is_folder else "")
            for spec in reversed(self._specs_of("/".join(parts[:depth]))):
                included = spec.check_file(below).include
                if included is not None:
                    return included
        return False

    def _specs_of(self, folder: str) -> tuple[GitIgnoreSpec, ...]:
        if folder not in self._specs:
            files = (self._root / folder / name for name in self._names)
            self._specs[folder] = tuple(_read(file) for file in files if file.is_file())
        return self._specs[folder]


def _read(file: Path) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(file.read_text().splitlines())
    except (OSError, ValueError) as error:
        raise InvalidInput(f"`{file}` cannot be read as an ignore file: {error}.") from error
