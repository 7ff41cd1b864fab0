"""When a run is started by the clock."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator

from spec.section import Section, problem

_FIELD = re.compile(r"[0-9a-zA-Z*,/#?L-]+")


def _five_fields(text: str) -> str:
    fields = text.split()
    if len(fields) != 5 or not all(_FIELD.fullmatch(field) for field in fields):
        raise problem(
            f"`{text}` is not a cron expression.", hint="Write five fields: `0 8 * * mon-fri`."
        )
    return text


Cron = Annotated[str, AfterValidator(_five_fields)]


class Schedule(Section):
    """Cron expressions of five fields, in UTC."""

    cron: Annotated[
        tuple[Cron, ...],
        Field(min_length=1),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"type": "string"}, "minItems": 1},
                ]
            }
        ),
    ]

    @field_validator("cron", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value
