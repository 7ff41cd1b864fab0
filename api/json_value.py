"""Values from JSON that somebody sent; whoever reads it need not know HTTP."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from perdure.errors import InvalidInput
from spec.complaint import complaint

T = TypeVar("T", bound=BaseModel)


def json_value(kind: type[T], content: bytes, *, strict: bool = True) -> T:
    """The value, with no key that we would ignore. Raises `InvalidInput`.

    `strict`: a number is a number, not a text with digits; configurations take both, as files do.
    """
    try:
        return kind.model_validate_json(content, extra="forbid", strict=strict or None)
    except ValidationError as error:
        raise _invalid(error, kind) from None


def _invalid(error: ValidationError, kind: type[BaseModel]) -> InvalidInput:
    # Put into words by `complaint`, which quotes no value: it may be a secret.
    first, *others = error.errors(include_url=False)
    if first["type"] == "json_invalid":
        return InvalidInput("The body is not JSON.")
    found = complaint(first, kind)
    told = [found.message]
    if others:
        told.append(f"It is the first of {1 + len(others)} problems.")
    return InvalidInput(" ".join(told), hint=found.hint)
