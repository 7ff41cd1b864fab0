"""The HTTP API, as a client sees it: answers are values, failures are our errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from httpx_sse import EventSource, SSEError
from pydantic import BaseModel, TypeAdapter, ValidationError

from cli.connection import Connection
from perdure import __version__, errors
from perdure.errors import (
    PerdureError,
    ServerUnreachable,
    Unauthenticated,
    Unavailable,
    kind_of,
)
from perdure.loopback import LOOPBACK_NAMES

T = TypeVar("T")

PREFIX = "/api/v1"
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
"""Seconds. A plan asks clouds for offers, and is given longer by its caller."""
STREAM_SILENCE = 60.0
"""Seconds without a byte, keep-alive comments included, after which a stream counts as broken."""
GATEWAY_TROUBLE = frozenset({502, 503, 504})


class Client:
    """Talks to one server with one token. `transport` replaces the network in tests."""

    def __init__(
        self, connection: Connection, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.connection = connection
        try:
            url = httpx.URL(connection.url + PREFIX)
        except httpx.InvalidURL as error:
            raise _not_a_url(connection.url) from error
        self._http = httpx.Client(
            base_url=url,
            headers={"User-Agent": f"perdure/{__version__}"} | _authorization(connection.token),
            timeout=TIMEOUT,
            transport=transport,
            # For plain HTTP the machine's certificates are not read: it takes 30 ms.
            verify=url.scheme != "http",
            # No proxy of the environment leads to this machine.
            trust_env=url.host not in LOOPBACK_NAMES,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def in_project(self, *parts: str) -> str:
        """A path below the project: `in_project("runs", name)`."""
        return path("projects", self.connection.project, *parts)

    def get(self, kind: type[T], where: str, **params: Any) -> T:
        """Read a value."""
        return self.call(kind, "GET", where, params=params)

    def call(self, kind: type[T], method: str, where: str, **options: Any) -> T:
        """Send a request, with httpx's options, and read the value that it answers."""
        response = self.send(method, where, **options)
        try:
            return TypeAdapter(kind).validate_json(response.content)
        except ValidationError:
            raise ServerUnreachable(
                f"What answers at {self.connection.url} is no perdure server of this version.",
                hint="Check the URL; `perdure version` and the server's should be the same.",
            ) from None  # which quotes the answer

    def post(
        self, kind: type[T], where: str, value: BaseModel, *, seconds: float, key: str | None = None
    ) -> T:
        """Send a value, as much of it as was set, and read the one that it answers.

        `seconds` is for the answer alone; a repetition with the same `key` is done once.
        """
        headers = {"Content-Type": "application/json"}
        return self.call(
            kind,
            "POST",
            where,
            content=value.model_dump_json(exclude_unset=True),
            headers=headers if key is None else headers | {"Idempotency-Key": key},
            timeout=patience(seconds),
        )

    def recognise(self) -> None:
        """See that what answers is a perdure server, by how it refuses who has no token.

        Raises `ServerUnreachable`, `Unavailable`, and `InvalidInput` for an address that only
        leads on.
        """
        url, response = self.connection.url, self._ask("GET", "/server")
        if response.is_redirect:
            onward = str(response.next_request.url if response.next_request else "")
            raise errors.InvalidInput(
                f"The address {url} leads on to {onward.removesuffix(PREFIX + '/server')}.",
                hint="Give that one, if it is the server's.",
            )
        if response.status_code in GATEWAY_TROUBLE:
            raise error_of(response)
        if _envelope(response)[0] != Unauthenticated.code():
            raise ServerUnreachable(
                f"What answers at {url} is no perdure server.", hint="Check the URL and its port."
            )

    def send(self, method: str, where: str, **options: Any) -> httpx.Response:
        """Send a request. Raises the error that the server answers, or `ServerUnreachable`."""
        response = self._ask(method, where, **options)
        if not response.is_success:
            raise self._refusal(response)
        return response

    def _ask(self, method: str, where: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, where, **options)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def date(self) -> datetime | None:
        """The server's clock, by whatever it answers; None when it does not say.

        Raises `ServerUnreachable`.
        """
        try:
            answer = self._http.get(self._http.base_url.join("/healthz"))
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        try:
            return parsedate_to_datetime(answer.headers["date"])
        except (KeyError, ValueError):
            return None

    @contextmanager
    def stream(self, where: str, **params: Any) -> Iterator[EventSource]:
        """Server-sent events. Raises like `send`, also while they are read."""
        timeout = httpx.Timeout(TIMEOUT.connect, read=STREAM_SILENCE)
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        try:
            with self._http.stream(
                "GET", where, params=params, timeout=timeout, headers=headers
            ) as response:
                if not response.is_success:
                    response.read()
                    raise self._refusal(response)
                yield EventSource(response)
        except (httpx.TransportError, SSEError) as error:
            raise self._unreachable(error) from error

    def _refusal(self, response: httpx.Response) -> PerdureError:
        """The server's error; of the token it does not know where it came from."""
        error = error_of(response)
        if not isinstance(error, Unauthenticated):
            return error
        url, variable = self.connection.url, self.connection.variable
        if variable:
            return Unauthenticated(
                f"The token in `{variable}` is not valid at {url}.",
                hint=f"Set another one, or unset `{variable}` to use that of the client's "
                "configuration.",
            )
        project = self.connection.project
        return Unauthenticated(
            f"The token for the project `{project}` is not valid at {url}.",
            hint=f"`perdure project add --name {project} --url {url}` takes another one; an admin "
            "of the server makes it by `perdure user token create --user NAME`.",
        )

    def _unreachable(self, error: Exception) -> PerdureError:
        url = self.connection.url
        if isinstance(error, httpx.UnsupportedProtocol):
            return _not_a_url(url)
        if isinstance(error, httpx.ReadTimeout):
            return Unavailable(
                f"The server at {url} did not answer in time.", hint="Try again in a moment."
            )
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ServerUnreachable(
                f"The certificate of {url} is not one that this machine trusts.",
                hint="`SSL_CERT_FILE` names a file with the certificate of your own authority.",
            )
        return ServerUnreachable(
            f"No server answers at {url}.",
            hint="Start one with `perdure server`, or name another with `perdure project add`.",
        )


def _not_a_url(url: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"`{url}` is not the URL of a server.", hint="It begins with `http://` or `https://`."
    )


def patience(seconds: float) -> httpx.Timeout:
    """So much time for the answer alone."""
    return httpx.Timeout(TIMEOUT.connect, read=seconds)


def path(*parts: str) -> str:
    """A path of the API from its parts, each quoted."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def error_of(response: httpx.Response) -> PerdureError:
    """The error in an answer; one that did not come from our API is told by its status."""
    code, message, hint = _envelope(response)
    if not code:
        message = f"The server answered {response.status_code} {response.reason_phrase}.".rstrip()
    kind = kind_of(code) or _KINDS_BY_STATUS.get(response.status_code, PerdureError)
    return kind(message, hint=hint)


def _envelope(response: httpx.Response) -> tuple[str, str, str]:
    """Code, message and hint of our API's errors; three times nothing for another's."""
    try:
        envelope = response.json()["error"]
        code, message = str(envelope["code"]), str(envelope["message"])
        return code, message, str(envelope.get("hint") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", "", ""


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


_KINDS_BY_STATUS: dict[int, type[PerdureError]] = {
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.TooLarge,
    422: errors.InvalidInput,
    429: errors.RateLimited,
    **dict.fromkeys(GATEWAY_TROUBLE, Unavailable),
}
