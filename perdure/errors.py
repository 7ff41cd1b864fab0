"""Every error that people see, in one tree. The API, the CLI and Temporal render from it.

It is one file, so that the tree can be read, and held to the drawing, in one place.

    PerdureError                        an error with a stable code, a message and a hint
    ├── InvalidInput                    what was given cannot be right            HTTP 422, exit 2
    │   ├── InvalidConfiguration        … in a file, with its line and column             exit 1
    │   ├── MissingVariable             an `env` name without a value
    │   ├── UnknownSecret               `${{ secrets.X }}` that does not exist
    │   ├── TooLarge                    over a limit of size                      HTTP 413
    │   │   └── HeadTooLarge            … of a request's head                     HTTP 431
    │   ├── BadRequest                  not a request that can be passed on       HTTP 400
    │   ├── MethodNotAllowed            not a method of this address              HTTP 405
    │   ├── ExpectationFailed           an `Expect` that nobody understands       HTTP 417
    │   └── VersionNotSupported         neither HTTP/1.1 nor 1.0                  HTTP 505
    ├── Unauthenticated                 no valid token                            HTTP 401, exit 4
    ├── Forbidden                       not allowed to this user                  HTTP 403, exit 4
    ├── NotFound                        no such run, project, user, secret        HTTP 404, exit 3
    │   └── ModelNotFound               no service answers for this model
    ├── Conflict                        not in this state                         HTTP 409, exit 1
    │   ├── AlreadyExists               the name is taken
    │   ├── RunStopping                 the run is on its way out
    │   ├── NotInPlace                  a change that an older run does not take
    │   └── PlanChanged                 the run is no longer what the plan saw
    ├── Refused                         the plan refuses the configuration        HTTP 422, exit 1
    ├── NoCapacity                      no offer fits, or none has capacity       HTTP 409, exit 5
    ├── RateLimited                     too many requests                         HTTP 429, exit 1
    ├── Slow                            the request did not arrive in time        HTTP 408, exit 1
    ├── Unavailable                     a part of the system does not answer      HTTP 503, exit 1
    │   ├── ServerUnreachable           the client found no server
    │   ├── ApiUnreachable              … but the proxy, which found no API       HTTP 502
    │   ├── Starting                    a service without a replica, yet
    │   ├── NoReplica                   … and none is coming
    │   ├── Unreachable                 none of a service's replicas answers      HTTP 502
    │   ├── BadReply                    what a replica answered is no HTTP        HTTP 502
    │   ├── Silent                      a replica says nothing for too long       HTTP 504
    │   └── Busy                        the proxy holds all that it may
    ├── NoSpace                         the server's disk is full                 HTTP 507, exit 1
    ├── CannotStart                     a process of ours cannot start here               exit 1
    └── HostError                       a machine could not do its part
        ├── InstanceUnreachable
        ├── RuntimeUnsupported          this runtime cannot honour a property
        ├── ImagePullFailed             the registry failed, or does not answer
        │   ├── ImageNotFound
        │   └── ImagePullDenied         wrong or missing credentials
        ├── ContainerCreateFailed
        ├── VolumeFailed
        ├── NotReadyInTime              it was not ready in its time                    exit 124
        ├── Unhealthy                   its probes failed for too long
        ├── LogQuotaExceeded            it wrote more log than a run may
        └── ContainerExited             it ended by itself
            └── OutOfMemory             … when its memory ran out

`code` is the class's name in snake case and never changes; the message says what happened and
why; the hint says what to do. Both are sentences: a capital letter or a name in backticks first, a
full stop (or a question mark) last.
"""

import re
from collections.abc import Iterable
from typing import ClassVar, Self


class PerdureError(Exception):
    """What happened and why (`message`), and what to do about it (`hint`, may be empty)."""

    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @classmethod
    def code(cls) -> str:
        """The stable name: `NoCapacity` is `no_capacity`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


class InvalidInput(PerdureError):
    """What was given cannot be right, whatever the state of the system."""

    http_status = 422
    exit_code = 2


class InvalidConfiguration(InvalidInput):
    """A configuration is wrong at `line` and `column` (from 1; 0 when unknown) of `file`.

    `path` are the keys and list places that lead to the property, empty when none is to blame;
    `others` are the further errors of the same file, in the order in which to tell them.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        file: str = "",
        line: int = 0,
        column: int = 0,
        path: tuple[str | int, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.others: tuple[InvalidConfiguration, ...] = ()

    def with_others(self, others: Iterable["InvalidConfiguration"]) -> Self:
        """Itself, with the further errors of the same file set."""
        self.others = tuple(others)
        return self

    @property
    def place(self) -> str:
        """`FILE:LINE:COLUMN`, as far as it is known."""
        return f"{self.file}:{self.line}:{self.column}" if self.file and self.line else self.file


class MissingVariable(InvalidInput):
    """An environment variable was declared without a value, and nobody gave one."""


class UnknownSecret(InvalidInput):
    """A secret is referred to that the project does not have."""


class TooLarge(InvalidInput):
    """Something is over its limit of size."""

    http_status = 413
    exit_code = 1


class HeadTooLarge(TooLarge):
    """The head of a request is larger than the proxy takes."""

    http_status = 431


class BadRequest(InvalidInput):
    """A request that the proxy cannot pass on without doubt."""

    http_status = 400


class MethodNotAllowed(InvalidInput):
    """The address does not know this method, or the proxy does not pass it on."""

    http_status = 405


class ExpectationFailed(InvalidInput):
    """A request expects what the proxy does not understand."""

    http_status = 417


class VersionNotSupported(InvalidInput):
    """A request in a version of HTTP that the proxy does not speak."""

    http_status = 505


class Unauthenticated(PerdureError):
    """No token, or one that is not valid (any more)."""

    http_status = 401
    exit_code = 4


class Forbidden(PerdureError):
    """The user is known and may not do this."""

    http_status = 403
    exit_code = 4


class NotFound(PerdureError):
    """There is no such thing, for this user."""

    http_status = 404
    exit_code = 3


class ModelNotFound(NotFound):
    """No service of the project answers for this model. The code is OpenAI's own."""


class Conflict(PerdureError):
    """Not in the state that things are in now."""

    http_status = 409


class AlreadyExists(Conflict):
    """The name is taken."""


class RunStopping(Conflict):
    """The run is on its way out: wait for its end, then apply again."""


class NotInPlace(Conflict):
    """A run that an older version started cannot be changed so while it lives."""


class PlanChanged(Conflict):
    """The run is no longer what it was when the plan was made."""


class Refused(PerdureError):
    """The plan refuses the configuration; the message lists why."""

    http_status = 422


class NoCapacity(PerdureError):
    """No offer fits, or none of those that fit has capacity."""

    http_status = 409
    exit_code = 5


class RateLimited(PerdureError):
    """Too many requests."""

    http_status = 429


class Slow(PerdureError):
    """A request did not arrive in time at the proxy."""

    http_status = 408


class Unavailable(PerdureError):
    """A part of the system does not answer now."""

    http_status = 503


class ServerUnreachable(Unavailable):
    """The client found no server at its address."""


class ApiUnreachable(Unavailable):
    """The proxy answers, and the API behind it does not."""

    http_status = 502


class Starting(Unavailable):
    """The service has no replica yet: one is on its way."""


class NoReplica(Unavailable):
    """The service has no replica, and none is coming."""


class Unreachable(Unavailable):
    """The proxy could reach none of the service's replicas."""

    http_status = 502


class BadReply(Unavailable):
    """A replica broke its reply off before its first byte, or sent what is not HTTP."""

    http_status = 502


class Silent(Unavailable):
    """A replica was silent for longer than the proxy waits."""

    http_status = 504


class Busy(Unavailable):
    """The requests for models that are on their way hold all that the proxy may hold."""


class NoSpace(PerdureError):
    """The disk of the server is full: nothing can be kept there, and nothing was."""

    http_status = 507


class CannotStart(PerdureError):
    """A process of ours cannot start here: a port or a folder in use, no disk, no key."""


class HostError(PerdureError):
    """A machine could not do its part."""


class InstanceUnreachable(HostError):
    """The machine, or its container engine, does not answer."""


class RuntimeUnsupported(HostError):
    """The runtime cannot honour a property of the configuration."""


class ImagePullFailed(HostError):
    """The image could not be pulled."""


class ImageNotFound(ImagePullFailed):
    """The registry has no such image or tag."""


class ImagePullDenied(ImagePullFailed):
    """The registry refused the credentials, or wants some."""


class ContainerCreateFailed(HostError):
    """The container could not be created or started."""


class VolumeFailed(HostError):
    """A volume could not be mounted."""


class NotReadyInTime(HostError):
    """The service did not become ready in its time."""

    exit_code = 124


class Unhealthy(HostError):
    """The probes of a replica that had been ready failed for too long."""


class LogQuotaExceeded(HostError):
    """The service wrote more log than a run may have."""


class ContainerExited(HostError):
    """The container ended by itself, with an exit code that is not 0."""


class OutOfMemory(ContainerExited):
    """The container used more memory than it may, and was killed for it."""


def kind_of(code: str) -> type[PerdureError] | None:
    """The class of a code; None for one that this version does not know."""
    waiting: list[type[PerdureError]] = [PerdureError]
    while waiting:
        kind = waiting.pop()
        if kind.code() == code:
            return kind
        waiting += kind.__subclasses__()
    return None


def sentence(text: str) -> str:
    """A message that ends in the words of another program, with a full stop if these have none."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
