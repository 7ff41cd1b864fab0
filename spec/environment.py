"""Environment variables: a list of `NAME=VALUE` and `NAME`, or a mapping."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, TypeAdapter, WithJsonSchema
from pydantic_core import ValidationError

from spec.reference import with_references
from spec.section import problem

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_TEXTS = TypeAdapter(list[str], config=ConfigDict(coerce_numbers_to_str=True))


def _parse_environment(value: Any) -> Any:
    """No message here quotes a value: it may be a secret."""
    if not isinstance(value, list | tuple):
        return value
    variables: dict[str, str | None] = {}
    for index, entry in enumerate(_texts(value)):
        name, given, text = entry.partition("=")
        if not _NAME.fullmatch(name):
            raise problem(
                "This entry does not begin with a variable's name.",
                at=(index,),
                hint="Write `NAME=VALUE`, or `NAME` alone for a value that is given later.",
            )
        if name in variables:
            raise problem(f"`{name}` is set twice.", at=(index,))
        if "\n" in text:
            raise problem(
                f"The value of `{name}` has several lines.",
                at=(index,),
                hint="Write `env` as a mapping: `NAME: |` and the lines below it.",
            )
        variables[name] = text if given else None
    return variables


def _texts(entries: list[Any] | tuple[Any, ...]) -> list[str]:
    try:
        return _TEXTS.validate_python(list(entries))
    except ValidationError as error:
        index = error.errors(include_input=False)[0]["loc"][0]
        raise problem(
            "Each entry of the list is text.",
            at=(index,),
            hint="Write `NAME=VALUE`, or `NAME` alone for a value that is given later.",
        ) from None


Environment = Annotated[
    dict[str, Annotated[str, AfterValidator(with_references)] | None],
    BeforeValidator(_parse_environment),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "array",
                    "items": {"type": "string", "pattern": r"^[a-zA-Z_][a-zA-Z0-9_]*(=.*)?$"},
                },
                {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
            ]
        }
    ),
]
"""Values by name; None must still be given by whoever applies the configuration."""
