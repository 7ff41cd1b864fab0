"""Bodies of requests: bounded in size, and with no key that we would ignore."""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel

from api.json_value import json_value
from perdure.errors import TooLarge

LIMIT = 1024 * 1024
"""Bytes. A configuration is a few KiB; what is larger belongs in the code or in a volume."""

T = TypeVar("T", bound=BaseModel)


def body(kind: type[T], *, strict: bool = True) -> Callable[[Request], object]:
    """A dependency: the JSON body as a value. Raises `InvalidInput`, `TooLarge`.

    `strict` as in `json_value`.
    """

    async def read(request: Request) -> T:
        return json_value(kind, await whole(request), strict=strict)

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
