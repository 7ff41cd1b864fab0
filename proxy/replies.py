"""The proxy's own answers: JSON with our words, a stable code and a hint, no internals. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus

from perdure.errors import (
    ApiUnreachable,
    BadReply,
    BadRequest,
    Busy,
    ExpectationFailed,
    Forbidden,
    HeadTooLarge,
    MethodNotAllowed,
    ModelNotFound,
    NoReplica,
    NotFound,
    PerdureError,
    Silent,
    Slow,
    Starting,
    TooLarge,
    Unauthenticated,
    Unreachable,
    VersionNotSupported,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `body` is empty for those that have none.

    `openai` is the body in the form of OpenAI's errors, of those that are one; `kind` is what the
    body is.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    openai: bytes = b""
    kind: bytes = b"application/json"

    def render(self, *, keep: bool, head_only: bool = False, extra: bytes = b"") -> bytes:
        """On the wire. `extra` are whole header lines."""
        lines = [b"HTTP/1.1 %d %b\r\n" % (self.status, HTTPStatus(self.status).phrase.encode())]
        lines += [b"%b: %b\r\n" % header for header in self.headers]
        if self.body:
            lines.append(b"content-type: %b\r\n" % self.kind)
        if self.status != HTTPStatus.NO_CONTENT:
            lines.append(b"content-length: %d\r\n" % len(self.body))
        lines.append(extra if keep else extra + b"connection: close\r\n")
        lines.append(b"\r\n")
        if not head_only:
            lines.append(self.body)
        return b"".join(lines)

    def as_openai(self) -> "Reply":
        """The same, readable for OpenAI's clients too."""
        return replace(self, body=self.openai) if self.openai else self


def _json(value: Mapping[str, object]) -> bytes:
    """Half a surrogate pair, which JSON can name and UTF-8 cannot, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def telling(error: PerdureError, *headers: tuple[bytes, bytes]) -> Reply:
    """The answer that tells of an error, which nobody has raised.

    `error` in it is the API's envelope; `detail` and `code` are for dstack's clients.
    """
    status, code = error.http_status, error.code()
    plain = {"detail": error.message, "code": code}
    ours = {"code": code, "message": error.message, "hint": error.hint}
    kind = "invalid_request_error" if status < 500 else "server_error"
    openai = {**ours, "type": kind, "param": None}
    return Reply(
        status, _json({**plain, "error": ours}), headers, _json({**plain, "error": openai})
    )


@cache
def without_replica(seconds: int) -> Reply:
    """503, with the seconds after which another try makes sense."""
    return telling(NO_REPLICA, (b"retry-after", b"%d" % seconds))


@cache
def not_held(seconds: int, *, full: bool) -> Reply:
    """503 for a request that is not held, or no longer: none more are, or the time is over."""
    return telling(ROOM_IS_FULL if full else HELD_TOO_LONG, (b"retry-after", b"%d" % seconds))


ROOM_IS_FULL = Starting(
    "The service is starting, and too many requests wait for it already.",
    hint="Try again after the seconds of `Retry-After`; `perdure ps` shows how far it is.",
)
HELD_TOO_LONG = Starting(
    "The service has not started in the time for which requests are held.",
    hint="`perdure ps` shows how far it is, and `perdure logs` what it does.",
)
NO_REPLICA = NoReplica(
    "The service has no replica, and none is coming.",
    hint="`perdure ps -v` says why; `perdure apply` starts it anew.",
)
UNAUTHENTICATED = telling(
    Unauthenticated(
        "A valid token is needed: `Authorization: Bearer <token>`.",
        hint="`perdure user token create` makes one.",
    ),
    (b"www-authenticate", b"Bearer"),
)
FORBIDDEN = telling(
    Forbidden(
        "This token does not open this service.",
        hint="`perdure project list` shows the projects of its user; it may be for single services "
        "of theirs.",
    )
)
NO_RUN = telling(
    NotFound(
        "There is no such service.",
        hint="`perdure ps -a` shows those of a project, also what has ended, and why.",
    )
)
NO_PLACE = telling(
    NotFound(
        "There is nothing at this address.",
        hint="Services are at `/proxy/services/<project>/<run>/`, models below "
        "`/proxy/models/<project>/`.",
    )
)
_MODELS = "`GET /proxy/models/<project>/models` lists the models of a project."
NO_MODEL_NAMED = telling(
    BadRequest("The body must be a JSON object that names a `model`.", hint=_MODELS)
)
BODY_TOO_LARGE = telling(
    TooLarge(
        "The body is too large for a model's request.",
        hint="Send less at once, or send it to `/proxy/services/<project>/<run>/`, where there is "
        "no limit.",
    )
)
NO_ROOM = telling(
    Busy(
        "Too many large requests for models are on their way.",
        hint="Try again after the seconds of `Retry-After`.",
    ),
    (b"retry-after", b"1"),
)
NO_FRONT = telling(
    ApiUnreachable(
        "The API does not answer.",
        hint="Try again in a moment. Services go on meanwhile; on the machine of the server "
        "`perdure doctor` says what is wrong.",
    )
)
UNREACHABLE = telling(
    Unreachable(
        "No replica could be reached.",
        hint="Try again in a moment; `perdure ps -v` shows how the replicas are.",
    )
)
BROKEN = telling(
    BadReply(
        "The replica's reply was broken off or is not HTTP.",
        hint="`perdure logs` shows whether the service has failed. It must speak HTTP/1.1 on its "
        "`port`.",
    )
)
SILENT = telling(
    Silent(
        "The replica was silent for too long.",
        hint="`perdure logs` shows what it does. The limit is `--silent-seconds` of the proxy.",
    )
)
SLOW = telling(
    Slow(
        "The request did not arrive in time.",
        hint="Send it anew, without long pauses.",
    )
)

_REFUSALS = {
    reply.status: reply
    for reply in (
        telling(
            BadRequest(
                "This is not a request that can be passed on.",
                hint="It needs one `Host`, a path, and a body of one `Content-Length` or in whole "
                "chunks.",
            )
        ),
        telling(
            MethodNotAllowed(
                "This method is not passed on.", hint="All others are but `CONNECT` and `TRACE`."
            )
        ),
        telling(
            ExpectationFailed(
                "Only `Expect: 100-continue` is understood.", hint="Leave `Expect` out."
            )
        ),
        telling(
            HeadTooLarge(
                "The head of the request is too large.",
                hint="Send fewer or shorter headers; often it is the cookies.",
            )
        ),
        telling(
            VersionNotSupported(
                "HTTP/1.1 and HTTP/1.0 are understood.",
                hint="HTTP/2 is for whoever terminates TLS in front of this address.",
            )
        ),
    )
}


def refusal(status: int) -> Reply:
    """The answer to a head that was refused."""
    return _REFUSALS[status]


def unknown_model(name: str) -> Reply:
    """As OpenAI's own: clients look for the code."""
    return telling(ModelNotFound(f"The model `{name}` does not exist.", hint=_MODELS))


def moved(location: bytes) -> Reply:
    """308: the same method and body, at `location`."""
    return Reply(308, headers=((b"location", location),))
