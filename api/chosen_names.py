"""Names that people choose for what they make; what is no name is told how one looks."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from spec.section import problem


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
            r"[a-zA-Z_][a-zA-Z0-9_.-]{0,99}",
            "Write up to 100 letters, digits, `_`, `-` and `.`, beginning with a letter or `_`.",
        )
    ),
]
UserName = Annotated[
    str,
    AfterValidator(
        _of(
            "a user",
            r"[a-zA-Z0-9][a-zA-Z0-9._@-]{0,62}",
            "Write up to 63 letters, digits, `.`, `_`, `@` and `-`, beginning with a letter or a "
            "digit.",
        )
    ),
]
ProjectName = Annotated[
    str,
    AfterValidator(
        _of(
            "a project",
            r"[a-z][a-z0-9-]{0,49}",
            "Write up to 50 lower-case letters, digits and `-`, beginning with a letter.",
        )
    ),
]
