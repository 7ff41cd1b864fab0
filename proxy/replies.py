"""The proxy's own answers: JSON with a text for people and a stable code, no internals. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from perdure.errors import Forbidden, NotFound, Unauthenticated


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `body` is empty for those that have none."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)

    def render(self, *, keep: bool, head_only: bool = False, extra: bytes = b"") -> bytes:
        """On the wire. `extra` are whole header lines."""
        lines = [b"HTTP/1.1 %d %b\r\n" % (self.status, HTTPStatus(self.status).phrase.encode())]
        lines += [b"%b: %b\r\n" % header for header in self.headers]
        if self.body:
            lines.append(b"content-type: application/json\r\n")
        if self.status != HTTPStatus.NO_CONTENT:
            lines.append(b"content-length: %d\r\n" % len(self.body))
        lines.append(extra if keep else extra + b"connection: close\r\n")
        lines.append(b"\r\n")
        if not head_only:
            lines.append(self.body)
        return b"".join(lines)

    def as_openai(self) -> "Reply":
        """The same, readable for OpenAI's clients too."""
        if not self.fields:
            return self
        error = {
            "message": self.fields["detail"],
            "type": "invalid_request_error" if self.status < 500 else "server_error",
            "param": None,
            "code": self.fields["code"],
        }
        body = _json({"error": error, **self.fields})
        return Reply(self.status, body, self.headers, self.fields)


def _json(value: Mapping[str, object]) -> bytes:
    """Half a surrogate pair, which JSON can name and UTF-8 cannot, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def error(status: int, code: str, detail: str, *headers: tuple[bytes, bytes]) -> Reply:
    """An error of ours."""
    fields = {"detail": detail, "code": code}
    return Reply(status, _json(fields), headers, fields)


def without_replica(seconds: int, *, starting: bool) -> Reply:
    """503, with the seconds after which another try makes sense."""
    header = (b"retry-after", b"%d" % seconds)
    if starting:
        return error(503, "starting", "The service is starting.", header)
    return error(503, "no_replica", "The service has no replica, and none is coming.", header)


UNAUTHENTICATED = error(
    401,
    Unauthenticated.code(),
    "A valid token is needed: `Authorization: Bearer <token>`.",
    (b"www-authenticate", b"Bearer"),
)
FORBIDDEN = error(
    403,
    Forbidden.code(),
    "This token does not open this service: `perdure project list` shows its user's projects.",
)
NO_RUN = error(404, NotFound.code(), "There is no such service.")
NO_PLACE = error(404, NotFound.code(), "There is nothing at this address.")
NO_MODEL_NAMED = error(400, "invalid_input", "The body must be a JSON object that names a `model`.")
BODY_TOO_LARGE = error(413, "too_large", "The body is too large for a model's request.")
NO_ROOM = error(
    503,
    "busy",
    "Too many large requests for models are on their way.",
    (b"retry-after", b"1"),
)
NO_FRONT = error(502, "api_unreachable", "The API does not answer.")
UNREACHABLE = error(502, "unreachable", "No replica could be reached.")
BROKEN = error(502, "bad_reply", "The replica's reply was broken off or is not HTTP.")
SILENT = error(504, "silent", "The replica was silent for too long.")
SLOW = error(408, "slow", "The request did not arrive in time.")

_REFUSALS = {
    400: error(400, "bad_request", "This is not a request that can be passed on."),
    405: error(405, "method_not_allowed", "This method is not passed on."),
    417: error(417, "expectation_failed", "Only `Expect: 100-continue` is understood."),
    431: error(431, "head_too_large", "The head of the request is too large."),
    505: error(505, "version_not_supported", "HTTP/1.1 and HTTP/1.0 are understood."),
}


def refusal(status: int) -> Reply:
    """The answer to a head that was refused."""
    return _REFUSALS[status]


def unknown_model(name: str) -> Reply:
    """As OpenAI's own: clients look for the code."""
    return error(404, "model_not_found", f"The model `{name}` does not exist.")


def moved(location: bytes) -> Reply:
    """308: the same method and body, at `location`."""
    return Reply(308, headers=((b"location", location),))
