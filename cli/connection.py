"""Which server, project and token the command line uses."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from perdure.errors import InvalidConfiguration, NotFound, ServerUnreachable, Unauthenticated
from spec.public import Model

TOKEN_VARIABLES = ("PERDURE_TOKEN", "DSTACK_TOKEN")
"""Where the environment may have a token; the first that is set counts."""
DEFAULT_PROJECT = "main"
"""The project that every server has."""


@dataclass(frozen=True)
class Connection:
    """A project on a server. `url` has no slash at its end.

    `variable` is the one of the environment that the token came from, empty for the file.
    """

    project: str
    url: str
    token: str = field(repr=False)
    variable: str = ""


class KnownProject(Model):
    """An entry of the client's configuration."""

    name: str
    url: str
    token: str = Field(repr=False)
    default: bool = False


class KnownProjects(Model):
    """The client's configuration: the projects that this user has added, one of them default."""

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
        others = [entry for entry in self.projects if entry.name != added.name]
        known = KnownProjects(projects=(*others, added))
        return known.with_default(added.name) if added.default or not others else known

    def with_default(self, name: str) -> "KnownProjects":
        """Make this entry the default. Raises `NotFound`."""
        if self.find(name) is None:
            raise NotFound(
                f"There is no project `{name}` in the client's configuration.",
                hint="`perdure project list` shows them; `perdure project add` adds one.",
            )
        return KnownProjects(
            projects=tuple(
                entry.model_copy(update={"default": entry.name == name}) for entry in self.projects
            )
        )

    def without(self, name: str) -> "KnownProjects":
        """Drop the entry of that name, if there is one."""
        return KnownProjects(projects=tuple(entry for entry in self.projects if entry.name != name))


def configuration_file() -> Path:
    """Where the client's configuration is: `PERDURE_CONFIG`, else `~/.perdure/config.yml`."""
    return Path(os.environ.get("PERDURE_CONFIG") or "~/.perdure/config.yml").expanduser()


def load(file: Path) -> KnownProjects:
    """Read the client's configuration; empty when there is none."""
    try:
        content = yaml.safe_load(file.read_text())
        return KnownProjects.model_validate(content or {})
    except FileNotFoundError:
        return KnownProjects()
    except (OSError, yaml.YAMLError, ValidationError) as error:
        # Neither error's text is shown: it may quote a token.
        raise InvalidConfiguration(
            f"`{file}` cannot be read as the client's configuration.",
            hint="Repair or remove it; `perdure project add` writes a new one.",
            file=str(file),
        ) from error


def save(known: KnownProjects, file: Path) -> None:
    """Write the client's configuration for its owner only, and whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".config-")
    with os.fdopen(descriptor, "w") as draft:
        yaml.safe_dump(known.model_dump(mode="json"), draft, sort_keys=False)
    Path(name).replace(file)


def resolve(
    project: str | None, environment: Mapping[str, str], known: KnownProjects
) -> Connection:
    """The connection to use. An option wins over the environment, the environment over the file.

    The file's token goes to the file's own server only. Raises `ServerUnreachable` when no server
    is known, `Unauthenticated` when there is no token for it.
    """
    name = project or environment.get("PERDURE_PROJECT") or environment.get("DSTACK_PROJECT")
    entry = known.default if name is None else known.find(name) or known.default
    url = environment.get("PERDURE_URL", "").rstrip("/")
    if url and (entry is None or entry.url.rstrip("/") != url):
        entry = next((other for other in known.projects if other.url.rstrip("/") == url), None)
    variable = next((each for each in TOKEN_VARIABLES if environment.get(each)), "")
    token = environment.get(variable, "")
    if not url and entry is None:
        raise ServerUnreachable(
            "No server is known.",
            hint="Start one with `perdure server`, or name one with `perdure project add`.",
        )
    if not token and entry is None:
        raise Unauthenticated(
            f"There is no token for {url}.",
            hint="Set `PERDURE_TOKEN`, or add the server with `perdure project add`.",
        )
    token = token or (entry.token if entry else "")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Unauthenticated(
            "The token holds characters that no token has.",
            hint="Check `PERDURE_TOKEN`, or add the project anew with `perdure project add`.",
        )
    return Connection(
        project=name or (entry.name if entry else DEFAULT_PROJECT),
        url=url or (entry.url.rstrip("/") if entry else ""),
        token=token,
        variable=variable,
    )


def connect(project: str | None) -> Connection:
    """The connection for `--project`, this process's environment and the user's file."""
    return resolve(project, os.environ, load(configuration_file()))
