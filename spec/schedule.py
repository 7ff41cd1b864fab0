"""When a run is started by the clock."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator

from spec.section import Section, problem

MOST_EXPRESSIONS = 20
"""Of one schedule: a run reads them all in one step of its workflow, and one that names no time
costs a millisecond."""

LONGEST_EXPRESSION = 200
"""Characters."""

_MARKS = "[0-9*,/?-]"
_FIELDS = {
    name: re.compile(f"({_MARKS}{words})+", re.ASCII | re.IGNORECASE)
    for name, words in {
        "minute": "",
        "hour": "",
        "day of the month": "|l|w",
        "month": "|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
        "day of the week": "|#|l|mon|tue|wed|thu|fri|sat|sun",
    }.items()
}
"""What each may be written with: an `R`, for one, is another time at each reading."""


def _five_fields(text: str) -> str:
    fields = text.split()
    hint = "Write five fields: `0 8 * * mon-fri`."
    if len(fields) != len(_FIELDS):
        raise problem(f"`{text}` is not a cron expression.", hint=hint)
    for field, (name, form) in zip(fields, _FIELDS.items(), strict=True):
        if not form.fullmatch(field):
            message = f"`{text}` is not a cron expression: its {name} cannot be `{field}`."
            raise problem(message, hint=hint)
    return text


Cron = Annotated[str, Field(max_length=LONGEST_EXPRESSION), AfterValidator(_five_fields)]


_EXPRESSION = {"type": "string", "maxLength": LONGEST_EXPRESSION}


class Schedule(Section):
    """Cron expressions of five fields, in UTC."""

    cron: Annotated[
        tuple[Cron, ...],
        Field(min_length=1, max_length=MOST_EXPRESSIONS),
        WithJsonSchema(
            {
                "anyOf": [
                    _EXPRESSION,
                    {
                        "type": "array",
                        "items": _EXPRESSION,
                        "minItems": 1,
                        "maxItems": MOST_EXPRESSIONS,
                    },
                ]
            }
        ),
    ]

    @field_validator("cron", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value
