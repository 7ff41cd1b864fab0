"""Repositories of code: `local[:path]`, a URL or `user@host:path`, or a mapping."""

import re
from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import model_validator

from spec.section import Section, problem

_URL = re.compile(r"(?P<url>[a-z][a-z0-9+.-]*://[^/\s]+/[^:\s]*)(:(?P<path>[^:]+))?")
_SCP = re.compile(r"(?P<url>[\w.-]+@[\w.-]+:[^:\s]+)(:(?P<path>[^:]+))?")
_LOCAL = re.compile(r"(?P<local_path>[^:]+)(:(?P<path>[^:]+))?")


class IfExists(StrEnum):
    """What to do when the container already has something at the path."""

    ERROR = "error"
    SKIP = "skip"


class Repo(Section):
    """A local folder or a remote repository, and where it goes in the container."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = ({"type": "string", "minLength": 1},)

    local_path: str | None = None
    url: str | None = None
    branch: str | None = None
    hash: str | None = None
    path: str = "."
    if_exists: IfExists = IfExists.ERROR

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        for form in (_URL, _SCP, _LOCAL):
            if match := form.fullmatch(value):
                return {key: part for key, part in match.groupdict().items() if part is not None}
        raise problem("This is not a repository.", hint="Write `local[:path]` or `URL[:path]`.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.local_path is not None and self.url is not None:
            raise problem("`local_path` and `url` exclude each other.", at=("url",))
        if self.local_path is None and self.url is None:
            raise problem("A repository needs `local_path` or `url`.")
        return self
