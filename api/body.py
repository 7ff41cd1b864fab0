"""Bodies of requests: bounded in size, and with no key that we would ignore."""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from perdure.errors import InvalidInput, TooLarge
from spec.complaint import complaint

LIMIT = 1024 * 1024
"""Bytes. A configuration is a few KiB; what is larger belongs in the code or in a volume."""

T = TypeVar("T", bound=BaseModel)


def body(kind: type[T], *, strict: bool = True) -> Callable[[Request], object]:
    """A dependency: the JSON body as a value. Raises `InvalidInput`, `TooLarge`.

    `strict`: a number is a number, not a text with digits; configurations take both, as files do.
    """

    async def read(request: Request) -> T:
        content = await whole(request)
        try:
            return kind.model_validate_json(content, extra="forbid", strict=strict or None)
        except ValidationError as error:
            raise _invalid(error, kind) from None

    return read


async def whole(request: Request) -> bytes:
    """The whole body. Raises `TooLarge` over `LIMIT`."""
    content = bytearray()
    async for piece in pieces(request, LIMIT):
        content += piece
    return bytes(content)


async def pieces(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body as it comes. Raises `TooLarge` as soon as it is, or says that it will be."""
    announced = request.headers.get("content-length", "0")
    size = int(announced) if announced.isdigit() else 0
    if size > limit:
        raise _too_large(limit)
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        yield piece


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request is larger than {limit // 1024} KiB.")


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
