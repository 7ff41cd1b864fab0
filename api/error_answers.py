"""Every failure as one envelope: `{"error": {"code", "message", "hint"}}`, with no internals."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from temporalio.service import RPCError

from perdure.errors import InvalidInput, NotFound, PerdureError, Unauthenticated, Unavailable

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 2
PROBLEM = "problem"
"""The type of `spec.section.problem`: an error in our words."""


class MethodNotAllowed(InvalidInput):
    """The path does not know this method."""

    http_status = 405


def answer(error: PerdureError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer that tells of an error."""
    extra = dict(headers or {})
    if isinstance(error, Unauthenticated):
        extra["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Unavailable):
        extra["Retry-After"] = str(RETRY_AFTER_SECONDS)
    body = {"code": error.code(), "message": error.message, "hint": error.hint}
    return JSONResponse({"error": body}, status_code=error.http_status, headers=extra)


def install(app: FastAPI) -> None:
    """Have the app answer every failure in this way."""

    @app.exception_handler(PerdureError)
    async def ours(_request: Request, error: PerdureError) -> JSONResponse:
        if error.http_status >= 500:
            log.warning("%s: %s", error.code(), error.message)
        return answer(error)

    @app.exception_handler(RPCError)
    async def temporals(_request: Request, error: RPCError) -> JSONResponse:
        log.warning("Temporal: %s", error.status.name)
        return answer(Unavailable("Temporal does not answer.", hint="Try again in a moment."))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == PROBLEM:
            return answer(InvalidInput(first["ctx"]["message"], hint=first["ctx"]["hint"]))
        where = ".".join(str(part) for part in first["loc"][1:])
        return answer(InvalidInput(f"`{where}`: {first['msg']}."))

    @app.exception_handler(HTTPException)
    async def frameworks(_request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 404:
            return answer(NotFound("There is nothing at this address."))
        if error.status_code == 405:
            return answer(MethodNotAllowed("This address does not know the method."), error.headers)
        return answer(InvalidInput("The request cannot be understood."))

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return answer(
            PerdureError("The server failed.", hint="Its log says why; try again in a moment.")
        )
