"""The way to one engine: short calls and long answers, each with a bound on its silence."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import aiohttp
from aiodocker import Docker, DockerError

from perdure.errors import HostError, InstanceUnreachable, sentence

# A healthy engine accepts at once and looks at a container in milliseconds.
CONNECT = timedelta(seconds=5)
QUICK = timedelta(seconds=10)
# Creating, starting and removing wait for the disk.
SLOW = timedelta(minutes=2)

# aiodocker's own code for "no connection to the engine".
NO_CONNECTION = 900


class Connection:
    """One engine at `url` (`unix://…` or `tcp://…`).

    `patience` bounds every call that names no longer time.
    Every call raises `InstanceUnreachable` when the engine does not answer, and `DockerError` when
    it answers with an error.
    """

    def __init__(self, url: str, patience: timedelta = QUICK) -> None:
        self._url = url
        self._patience = patience
        self._docker: Docker | None = None

    async def close(self) -> None:
        """Close what is open; a later call opens it again."""
        docker, self._docker = self._docker, None
        if docker is not None:
            await docker.session.close()

    async def json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        within: timedelta | None = None,
    ) -> Any:
        """One call and its answer; None when the answer is empty."""
        data = None if body is None else json.dumps(body).encode()
        async with self._answer(method, path, params, data, within=within) as response:
            text = await response.read()
        return json.loads(text) if text.strip() else None

    async def ask(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """A question that the engine has no reason to refuse: `HostError` when it does."""
        try:
            return await self.json("GET", path, params=params)
        except DockerError as error:
            raise HostError(
                sentence(f"The Docker engine at {self._url} fails: {error.message}")
            ) from error

    async def upload(self, path: str, params: Mapping[str, Any], data: Any) -> None:
        """Put a tar (bytes or an open file) into a container."""
        headers = {"Content-Type": "application/x-tar"}
        async with self._answer("PUT", path, params, data, headers, within=SLOW) as response:
            await response.read()

    async def download(self, path: str, params: Mapping[str, Any]) -> bytes:
        """The bytes of a small answer."""
        async with self._answer("GET", path, params) as response:
            return await response.read()

    async def chunks(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        silence: timedelta,
    ) -> AsyncGenerator[bytes, None]:
        """A long answer as it comes. Raises `TimeoutError` when nothing came for `silence`."""
        async with self._answer(method, path, params, None, headers, silence=silence) as response:
            async for chunk in response.content.iter_any():
                yield chunk

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        within: timedelta | None = None,
        silence: timedelta | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(
            total=(within or self._patience).total_seconds() if silence is None else None,
            sock_read=None if silence is None else silence.total_seconds(),
            sock_connect=CONNECT.total_seconds(),
        )
        with self._translated(silence is not None):
            # aiodocker has no public call that leaves the answer's frames and errors as they are.
            async with self._opened()._query(
                path, method, params=dict(params or {}), data=data, headers=headers, timeout=timeout
            ) as response:
                try:
                    yield response
                finally:
                    response.close()

    @contextmanager
    def _translated(self, silence_is_told: bool) -> Iterator[None]:
        try:
            yield
        except aiohttp.SocketTimeoutError as error:
            if silence_is_told:
                raise TimeoutError from error
            raise self._unreachable("did not answer in time") from error
        except TimeoutError as error:
            raise self._unreachable("did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(f"broke off: {error}") from error
        except DockerError as error:
            if error.status == NO_CONNECTION:
                raise self._unreachable("refuses connections") from error
            raise

    def _unreachable(self, what: str) -> InstanceUnreachable:
        return InstanceUnreachable(
            sentence(f"The Docker engine at {self._url} {what}"),
            hint="Is `docker info` answered there?",
        )

    def _opened(self) -> Docker:
        if self._docker is None:
            connector = _connector(self._url)
            session = aiohttp.ClientSession(connector=connector)
            self._docker = Docker(
                url="unix://localhost" if self._url.startswith("unix://") else self._url,
                connector=connector,
                session=session,
                timeout=aiohttp.ClientTimeout(
                    total=self._patience.total_seconds(), sock_connect=CONNECT.total_seconds()
                ),
            )
        return self._docker


def _connector(url: str) -> aiohttp.BaseConnector:
    # No limit: each followed log and each wait holds a connection.
    if url.startswith("unix://"):
        return aiohttp.UnixConnector(url.removeprefix("unix://"), limit=0)
    return aiohttp.TCPConnector(limit=0)
