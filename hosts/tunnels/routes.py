"""Which tunnels this machine's proxy wants: those in its table."""

import logging
from pathlib import Path
from types import TracebackType

import httpx
from pydantic import ValidationError

from hosts.tunnels.address import Tunnel, tunnel
from perdure.errors import InvalidInput
from perdure.http_client import http_client
from spec.route import RouteReport

PATIENCE = 2.0  # seconds for one answer
SCHEME = "ssh://"

logger = logging.getLogger(__name__)


class Routes:
    """Asks the proxy on its management socket, over one connection; `answers`: it did so last."""

    def __init__(self, proxy: Path) -> None:
        self._http = http_client(f"unix://{proxy}", timeout=PATIENCE)
        self.answers = True
        self._body = b""
        self._wanted: frozenset[Tunnel] = frozenset()

    async def __aenter__(self) -> "Routes":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def wanted(self) -> frozenset[Tunnel] | None:
        """The tunnels of all routes, draining ones included; None when the proxy cannot say."""
        try:
            answer = await self._http.get("/admin/routes")
            answer.raise_for_status()
            if answer.content != self._body:
                self._wanted = _tunnels(answer.content)
                self._body = answer.content
        except (httpx.HTTPError, ValidationError) as error:
            self._note(str(error))
            return None
        self._note("")
        return self._wanted

    def _note(self, error: str) -> None:
        if error and self.answers:
            logger.warning("The proxy does not tell its routes, all tunnels stay: %s", error)
        elif not error and not self.answers:
            logger.info("The proxy tells its routes again")
        self.answers = not error


def _tunnels(body: bytes) -> frozenset[Tunnel]:
    # Most tables need no tunnel: this spares them the parsing, once a second.
    if SCHEME.encode() not in body:
        return frozenset()
    found = set()
    for route in RouteReport.model_validate_json(body).routes:
        for replica in route.replicas:
            if replica.address.startswith(SCHEME):
                try:
                    found.add(tunnel(replica.address))
                except InvalidInput as error:
                    logger.error(
                        "Replica %s cannot be reached: %s",
                        *(replica.id, error.message),
                        extra={"workflow": replica.id},
                    )
    return frozenset(found)
