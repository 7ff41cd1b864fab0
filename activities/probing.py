"""Probing: a replica's probes are sent to the address that its requests are sent to."""

import asyncio
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx

from perdure.http_client import http_client
from policy.probing import Probed, ProbeResult, heard
from spec.probe import Probe

MOST_READ = 64 * 1024
"""Bytes of an answer's body: its status counts. A short one is read, so that nobody is cut off."""

NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])
"""Each probe is sent as it is written, whatever was answered before."""


class Probing:
    """The probes of one replica, each asked again an interval after its last answer."""

    def __init__(self, address: str, known: Probed) -> None:
        """`address` as proxies have it; `known` what is known so far, kept up to date."""
        self.known = known
        self._address = address

    async def until_changed(self, *, at_once: bool) -> Probed:
        """Once its health is another, or it is lost; first after an interval, or `at_once`."""
        health = self.known.health
        results: asyncio.Queue[tuple[int, ProbeResult]] = asyncio.Queue()
        async with (
            probe_client(self._address) as client,
            asyncio.TaskGroup() as group,
        ):
            asking = [
                group.create_task(self._ask_again(client, number, results, at_once=at_once))
                for number in range(len(self.known.probes))
            ]
            while self.known.health is health and not self.known.is_lost:
                number, result = await results.get()
                self.known = heard(self.known, number, result, datetime.now(UTC))
            for task in asking:
                task.cancel()
        return self.known

    async def _ask_again(
        self,
        client: httpx.AsyncClient,
        number: int,
        results: "asyncio.Queue[tuple[int, ProbeResult]]",
        *,
        at_once: bool,
    ) -> None:
        probe = self.known.probes[number]
        if not at_once:
            await asyncio.sleep(probe.interval)
        while True:
            results.put_nowait((number, await ask(client, self._address, probe)))
            await asyncio.sleep(probe.interval)


def probe_client(address: str) -> httpx.AsyncClient:
    """A client for all probes of a replica: each probe has a time-out of its own."""
    headers = {"User-Agent": "perdure"}
    client = http_client(address, timeout=httpx.Timeout(None), headers=headers)
    client.cookies.jar.set_policy(NO_COOKIES)
    return client


async def ask(client: httpx.AsyncClient, address: str, probe: Probe) -> ProbeResult:
    """Ask the replica at `address` once. 200 to 299 pass, as in the reference.

    Redirects are not followed. Each has a connection of its own: one that is kept may be closed by
    the replica at any moment.
    """
    host = urlsplit(address).netloc or "localhost"
    try:
        headers = [(each.name.encode(), each.value.strip(" \t").encode()) for each in probe.headers]
        async with (
            asyncio.timeout(probe.timeout),
            client.stream(
                probe.method.upper(),
                f"http://{host}{probe.url}",
                headers=[(b"Connection", b"close"), *headers],
                content=None if probe.body is None else probe.body.encode(),
                follow_redirects=False,
            ) as answer,
        ):
            await _read_some(answer)
    except TimeoutError:
        return ProbeResult(passed=False, outcome=f"had no answer within {probe.timeout} s")
    except httpx.ConnectError:
        return ProbeResult(passed=False, outcome="found no open port")
    except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError):
        return ProbeResult(passed=False, outcome="cannot be sent: a part of it is not HTTP")
    except httpx.HTTPError:
        return ProbeResult(passed=False, outcome="was cut off before an answer in HTTP")
    return ProbeResult(passed=answer.is_success, outcome=f"answered {answer.status_code}")


async def _read_some(answer: httpx.Response) -> None:
    read = 0
    async for chunk in answer.aiter_raw():
        read += len(chunk)
        if read > MOST_READ:
            return
