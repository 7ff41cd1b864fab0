"""What runs in a replica's container: image, commands, environment, and what is put in it."""

import re
import shlex
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from spec.environment import Environment
from spec.files import FileMapping
from spec.reference import with_references
from spec.repos import Repo
from spec.resources import Resources
from spec.section import Section, problem
from spec.volumes import Mount

WORKFLOW = "/workflow"
"""Where the code lies in a container; a relative `working_dir` is below it."""

DEFAULT_PYTHON = "3.12"
"""The version of the default image when the configuration names neither image nor version."""


class PythonVersion(StrEnum):
    """Versions that `python` may name."""

    PY39 = "3.9"
    PY310 = "3.10"
    PY311 = "3.11"
    PY312 = "3.12"
    PY313 = "3.13"
    PY314 = "3.14"
    PY315 = "3.15"


def _version_text(value: Any) -> Any:
    if value == 3.1 and isinstance(value, float):
        return PythonVersion.PY310
    return str(value) if isinstance(value, float) else value


Python = Annotated[
    PythonVersion,
    BeforeValidator(_version_text),
    WithJsonSchema({"enum": [*PythonVersion, 3.9, 3.1, 3.11, 3.12, 3.13, 3.14, 3.15]}),
]
"""A version; the number 3.1 can only be 3.10 that lost its zero."""


def _checked_user(user: str) -> str:
    name, colon, group = user.partition(":")
    if not name or (colon and not group) or ":" in group:
        raise problem(f"`{user}` is not a user.", hint="Write `user` or `user:group`.")
    return user


def _checked_shell(shell: str) -> str:
    if shell not in {"sh", "bash"} and not shell.startswith("/"):
        raise problem(f"`{shell}` is not a shell.", hint="Write `sh`, `bash` or an absolute path.")
    return shell


def _checked_entrypoint(entrypoint: str) -> str:
    try:
        shlex.split(entrypoint)
    except ValueError:
        raise problem("A quotation in the entrypoint is never closed.") from None
    return entrypoint


def _at_most_one(repos: tuple[Repo, ...]) -> tuple[Repo, ...]:
    if len(repos) > 1:
        raise problem("More than one repository is not supported yet.", at=(1,))
    return repos


def _checked_image(image: str) -> str:
    if re.search(r"\s", image):
        raise problem("An image's name has no white space.")
    return image


Image = Annotated[str, Field(min_length=1), AfterValidator(_checked_image)]


class RegistryAuth(Section):
    """Who pulls the image; `${{ env.X }}` and `${{ secrets.X }}` may stand for values."""

    username: Annotated[str, AfterValidator(with_references)]
    password: Annotated[str, AfterValidator(with_references)] = Field(repr=False)


class ContainerOptions(Section):
    """The container's properties of a configuration.

    `python` None is chosen later (`DEFAULT_PYTHON`); `shell`, `user`, `entrypoint` and
    `working_dir` None are the image's.
    """

    image: Image | None = None
    commands: tuple[str, ...] = ()
    entrypoint: Annotated[str, AfterValidator(_checked_entrypoint)] | None = None
    python: Python | None = None
    nvcc: bool = False
    docker: bool = False
    registry_auth: RegistryAuth | None = None
    privileged: bool = False
    user: Annotated[str, AfterValidator(_checked_user)] | None = None
    shell: Annotated[str, AfterValidator(_checked_shell)] | None = None
    working_dir: str | None = None
    home_dir: str = "/root"
    env: Environment = Field(default={}, repr=False)
    volumes: tuple[Mount, ...] = ()
    files: tuple[FileMapping, ...] = ()
    repos: Annotated[tuple[Repo, ...], AfterValidator(_at_most_one)] = ()
    single_branch: bool | None = None
    setup: tuple[str, ...] = ()
    resources: Resources = Resources()
    dstack: bool = False
    priority: int = Field(default=0, ge=0, le=100)
