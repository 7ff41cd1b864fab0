"""The base of all parts of a configuration, and the way in which they complain."""

from typing import Any, ClassVar

from pydantic import ConfigDict
from pydantic_core import PydanticCustomError

from spec.public import Model


class Section(Model):
    """A part of a configuration, in its long form; subclasses take their shorthands too.

    A number is text where text is wanted. `shorthands` are JSON schemas of what may stand in
    place of the long form, for editors.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = ()


def problem(message: str, *, at: tuple[str | int, ...] = (), hint: str = "") -> PydanticCustomError:
    """An error for validators to raise; `at` leads from the validated value to the offender."""
    return PydanticCustomError("problem", "{message}", {"message": message, "at": at, "hint": hint})
