"""Temporal's own web UI, which has no sign-in: asked on behalf of those who signed in here."""

from collections.abc import Iterable

import httpx
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask

from perdure.errors import Unavailable
from perdure.session_cookie import without_session

# Of one connection only (RFC 9110, 7.6.1), or what the next server must make anew.
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"}
) | frozenset({"transfer-encoding", "upgrade", "host", "authorization", "origin"})

TIMEOUT = httpx.Timeout(60.0, connect=2.0)

Headers = list[tuple[str, str]]


class Upstream:
    """The UI at `url`."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = httpx.URL(url)
        self._client = httpx.AsyncClient(timeout=TIMEOUT, transport=transport)

    async def forward(self, request: Request) -> Response:
        """The UI's answer, as it comes. Raises `Unavailable`."""
        # As it came: ids of workflows have slashes, which are percent-encoded in paths.
        target = self._url.copy_with(raw_path=_raw_path(request))
        length = request.headers.get("content-length")
        asked = self._client.build_request(
            request.method,
            target,
            headers=_forwarded(request.headers.items()),
            content=request.stream() if length else None,
        )
        try:
            found = await self._client.send(asked, stream=True)
        except httpx.TransportError as error:
            raise Unavailable("Temporal's web UI does not answer.") from error
        answer = StreamingResponse(
            found.aiter_raw(), found.status_code, background=BackgroundTask(found.aclose)
        )
        for name, value in found.headers.multi_items():
            if name.lower() not in HOP_BY_HOP:
                answer.headers.append(name, value)
        return answer

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def _raw_path(request: Request) -> bytes:
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


def _forwarded(headers: Iterable[tuple[str, str]]) -> Headers:
    kept = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
    return [(n, _without_session(v) if n.lower() == "cookie" else v) for n, v in kept]


def _without_session(cookies: str) -> str:
    return without_session([cookies.encode("latin-1")]).decode("latin-1")
