"""Names that people choose for what they make; what is no name is told how one looks."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from spec.section import problem

SECRET = r"[a-zA-Z_][a-zA-Z0-9_.-]{0,99}"  # noqa: S105 - the form of a name
USER = r"[a-zA-Z0-9][a-zA-Z0-9._@-]{0,62}"
PROJECT = r"[a-z][a-z0-9-]{0,49}"


def _told(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def _of(what: str, pattern: str, hint: str) -> Callable[[str], str]:
    form = re.compile(pattern)

    def check(name: str) -> str:
        if form.fullmatch(name) is None:
            raise problem(f"This is no name for {what}.", hint=hint)
        return name

    return check


SecretName = Annotated[
    str,
    AfterValidator(
        _of(
            "a secret",
            SECRET,
            "Write up to 100 letters, digits, `_`, `-` and `.`, beginning with a letter or `_`.",
        )
    ),
    _told(SECRET),
]
UserName = Annotated[
    str,
    AfterValidator(
        _of(
            "a user",
            USER,
            "Write up to 63 letters, digits, `.`, `_`, `@` and `-`, beginning with a letter or a "
            "digit.",
        )
    ),
    _told(USER),
]
ProjectName = Annotated[
    str,
    AfterValidator(
        _of(
            "a project",
            PROJECT,
            "Write up to 50 lower-case letters, digits and `-`, beginning with a letter.",
        )
    ),
    _told(PROJECT),
]
