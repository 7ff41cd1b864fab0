"""The way that a connection's last request took: the same way again is not looked up again."""

from typing import TYPE_CHECKING

from proxy.pool import Service

if TYPE_CHECKING:
    from proxy.plane import Plane
    from proxy.request_head import RequestHead


class Way:
    """To `service`, for a caller that it admits. It holds until the table or the tokens change.

    `rest_at` is where what the application sees of a target begins, and `rewrite` is the service
    if that is not the whole of it; `extra` are the lines that the proxy adds, and `passes` is what
    the application sees of the caller's `Authorization`.
    """

    __slots__ = (
        "_authorization",
        "_host",
        "_plane",
        "_prefix",
        "_table_version",
        "_tokens_version",
        "extra",
        "passes",
        "rest_at",
        "rewrite",
        "service",
    )

    def __init__(
        self,
        plane: "Plane",
        service: Service,
        head: "RequestHead",
        authorization: bytes | None,
        extra: bytes,
    ) -> None:
        """`head` as it goes on to `service`; it came with this `authorization`."""
        self._plane = plane
        self._table_version, self._tokens_version = plane.table.version, plane.tokens.version
        self._prefix = service.prefix + b"/"
        self._authorization, self._host = authorization, head.host
        self.passes = head.authorization
        self.service = service
        self.rewrite = service if service.strip_prefix else None
        self.rest_at = len(service.prefix) if service.strip_prefix else 0
        self.extra = extra

    def leads(self, head: "RequestHead") -> bool:
        """Whether this request would be admitted, and sent to the same service."""
        plane = self._plane
        return (
            head.target.startswith(self._prefix)
            and head.authorization == self._authorization
            and head.host == self._host
            and head.token is None
            and self._table_version == plane.table.version
            and self._tokens_version == plane.tokens.current_version()
        )
