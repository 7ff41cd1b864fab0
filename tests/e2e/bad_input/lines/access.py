"""No server, no token, no project."""

from perdure.errors import ApiUnreachable, Forbidden, NotFound, ServerUnreachable, Unauthenticated
from tests.e2e.bad_input.line import Line

NO_SERVER = Line(
    "server not running",
    "No server answers at the address that the client knows.",
    "perdure ps",
    shown=(
        "error: No server answers at http://localhost:3000. [server_unreachable]\n"
        "hint: Start one with `perdure server`, or name another with `perdure project add`.\n"
    ),
    ends=1,
    error=ServerUnreachable,
)
UNKNOWN_SERVER = Line(
    "server not running",
    "The client knows no server at all.",
    "perdure ps",
    shown=(
        "error: No server is known. [server_unreachable]\n"
        "hint: Start one with `perdure server`, or name one with `perdure project add`.\n"
    ),
    ends=1,
    error=ServerUnreachable,
)
NO_API = Line(
    "API not running",
    "The server's API is away. Services go on, and the server starts it again.",
    "perdure ps",
    shown=(
        "error: The API does not answer. [api_unreachable]\n"
        "hint: Try again in a moment. Services go on meanwhile; on the machine of the server "
        "`perdure doctor` says what is wrong.\n"
    ),
    ends=1,
    error=ApiUnreachable,
)
TOKEN = Line(
    "wrong token",
    "The token in the environment is not, or no longer, valid.",
    "PERDURE_TOKEN=old perdure ps",
    shown=(
        "error: The token in `PERDURE_TOKEN` is not valid at http://localhost:3000. "
        "[unauthenticated]\n"
        "hint: Set another one, or unset `PERDURE_TOKEN` to use that of the client's "
        "configuration.\n"
    ),
    ends=4,
    error=Unauthenticated,
)
PROJECT = Line(
    "unknown project",
    "An admin of the server names a project that does not exist.",
    "perdure ps --project nowhere",
    shown=(
        "error: There is no project `nowhere`. [not_found]\n"
        "hint: `perdure project list` shows what there is.\n"
    ),
    ends=3,
    error=NotFound,
)
OTHER_PROJECT = Line(
    "unknown project",
    "Others are told the same of projects that are not theirs, and of those that do not exist.",
    "perdure ps --project nowhere",
    shown=(
        "error: You are not a member of this project, or it does not exist. [forbidden]\n"
        "hint: `perdure project list` shows yours.\n"
    ),
    ends=4,
    error=Forbidden,
)

BAD = Line(
    "a request with a bad token",
    "A request to a service, or to the API, has a token that is not valid.",
    "GET /proxy/services/main/hello/",
    shown=(
        '{"detail": "A valid token is needed: `Authorization: Bearer <token>`.", "code": '
        '"unauthenticated", "error": {"code": "unauthenticated", "message": "A valid token is '
        'needed: `Authorization: Bearer <token>`.", "hint": "`perdure user token create` makes '
        'one."}}'
    ),
    ends=401,
    error=Unauthenticated,
)
NONE = Line(
    "a request without a token",
    "A request has none. Whether the service exists is not told.",
    "GET /proxy/services/main/hello/",
    shown=(
        '{"detail": "A valid token is needed: `Authorization: Bearer <token>`.", "code": '
        '"unauthenticated", "error": {"code": "unauthenticated", "message": "A valid token is '
        'needed: `Authorization: Bearer <token>`.", "hint": "`perdure user token create` makes '
        'one."}}'
    ),
    ends=401,
    error=Unauthenticated,
)
OTHER = Line(
    "a request for another project",
    "A request has a valid token, for another project.",
    "GET /proxy/services/main/hello/",
    shown=(
        '{"detail": "This token does not open this service.", "code": "forbidden", "error": '
        '{"code": "forbidden", "message": "This token does not open this service.", "hint": '
        '"`perdure project list` shows the projects of its user; it may be for single services '
        'of theirs."}}'
    ),
    ends=403,
    error=Forbidden,
)

LINES = (NO_SERVER, UNKNOWN_SERVER, NO_API, TOKEN, PROJECT, OTHER_PROJECT, BAD, NONE, OTHER)
