"""References: `${{ env.NAME }}` and `${{ secrets.NAME }}` in a value stand for other values."""

import re
from enum import StrEnum

from perdure.errors import InvalidInput
from spec.public import PublicModel
from spec.section import problem

HINT = "Write `${{ env.NAME }}` or `${{ secrets.NAME }}`, and `$$` for a plain `$`."

TOKEN = re.compile(r"\$\$|\$\{\{(?P<inside>.*?)\}\}", re.DOTALL)
_INSIDE = re.compile(r"\s*(?P<source>[a-zA-Z]+)\.(?P<name>[a-zA-Z_][a-zA-Z0-9_.-]*)\s*", re.ASCII)


class ReferenceSource(StrEnum):
    """Where a referred value comes from."""

    ENV = "env"
    SECRETS = "secrets"


class Reference(PublicModel):
    """One `${{ source.name }}`."""

    source: ReferenceSource
    name: str


def find_references(text: str) -> tuple[Reference, ...]:
    """All references in `text`, in order; `InvalidInput` for one that is neither kind."""
    return tuple(
        parse_reference(match["inside"])
        for match in TOKEN.finditer(text)
        if match["inside"] is not None
    )


def with_references(text: str) -> str:
    """The text, in which each reference is one. For pydantic: a problem else, without the text."""
    try:
        find_references(text)
    except InvalidInput as error:
        raise problem(error.message, hint=error.hint) from None
    return text


def parse_reference(inside: str) -> Reference:
    """What stands between the braces. Raises `InvalidInput`."""
    match = _INSIDE.fullmatch(inside)
    if match is None or match["source"] not in set(ReferenceSource):
        raise InvalidInput(
            "A `${{ … }}` refers to neither `env` nor `secrets`.",
            hint=HINT,
        )
    return Reference(source=ReferenceSource(match["source"]), name=match["name"])
