"""The client's file: the projects that this user knows, with their servers and tokens.

`projects: [{name, url, token, default}]` in YAML. Keys that we do not know are kept.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field

from perdure.errors import InvalidConfiguration, NotFound
from perdure.loopback import LOOPBACK_NAMES


class KnownProject(BaseModel):
    """A project, where its server is, and the token for it."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    name: str
    url: str
    token: str = Field(repr=False)
    default: bool = False


class KnownProjects(BaseModel):
    """The whole file. One of the projects is the default."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    projects: tuple[KnownProject, ...] = ()

    def find(self, name: str) -> KnownProject | None:
        """The entry of that name."""
        return next((entry for entry in self.projects if entry.name == name), None)

    @property
    def default(self) -> KnownProject | None:
        """The default entry, else the first."""
        marked = [entry for entry in self.projects if entry.default]
        return next(iter((*marked, *self.projects)), None)

    def with_project(self, added: KnownProject) -> "KnownProjects":
        """Add the entry, or replace the one of its name; the first one is the default."""
        if self.find(added.name) is None:
            known = self._with((*self.projects, added))
        else:
            known = self._with(added if old.name == added.name else old for old in self.projects)
        alone = len(known.projects) == 1
        return known.with_default(added.name) if added.default or alone else known

    def with_default(self, name: str) -> "KnownProjects":
        """Make this entry the default. Raises `NotFound`."""
        if self.find(name) is None:
            raise NotFound(
                f"There is no project `{name}` in the client's configuration.",
                hint="`perdure project list` shows them; `perdure project add` adds one.",
            )
        return self._with(
            entry.model_copy(update={"default": entry.name == name}) for entry in self.projects
        )

    def without(self, name: str) -> "KnownProjects":
        """Drop the entry of that name, if there is one."""
        return self._with(entry for entry in self.projects if entry.name != name)

    def _with(self, projects: Iterable[KnownProject]) -> "KnownProjects":
        return self.model_copy(update={"projects": tuple(projects)})


def client_file() -> Path:
    """Where it is: `PERDURE_CONFIG`, else `~/.perdure/config.yml`."""
    return Path(os.environ.get("PERDURE_CONFIG") or "~/.perdure/config.yml").expanduser()


def load(file: Path) -> KnownProjects:
    """Read it; empty when there is none. Raises `InvalidConfiguration`."""
    try:
        return KnownProjects.model_validate(yaml.safe_load(file.read_text()) or {})
    except FileNotFoundError:
        return KnownProjects()
    except (OSError, yaml.YAMLError, ValueError) as error:
        # None of their texts is shown: it may quote a token.
        raise InvalidConfiguration(
            f"`{file}` cannot be read as the client's configuration.",
            hint="Repair or remove it; `perdure project add` writes a new one.",
            file=str(file),
        ) from error


def save(known: KnownProjects, file: Path) -> None:
    """Write it for its owner only, and whole or not at all. Raises `InvalidConfiguration`."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "w") as opened:
                yaml.safe_dump(known.model_dump(mode="json"), opened, sort_keys=False)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidConfiguration(
            f"The client's configuration `{file}` cannot be written: {error.strerror}.",
            hint="`PERDURE_CONFIG` names another file.",
            file=str(file),
        ) from error


def introduce_own_server(file: Path, project: str, url: str, token: str) -> str | None:
    """Add or renew the entry of a project on this machine's server, so that commands find it.

    An entry of that name for another server, with another address and another token, is left
    alone; its address is returned. Raises `InvalidConfiguration`.
    """
    known = load(file)
    old = known.find(project)
    if old is None:
        save(known.with_project(KnownProject(name=project, url=url, token=token)), file)
    elif url != old.url and token != old.token:
        return old.url
    elif urlsplit(old.url).hostname in LOOPBACK_NAMES:
        renewed = old.model_copy(update={"url": url, "token": token})
        if renewed != old:
            save(known.with_project(renewed), file)
    return None
