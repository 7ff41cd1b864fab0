"""Requests that wait for a replica, and servers that take few connections at a time."""

import asyncio
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from tests.proxy.running import ProxyProcess, head
from tests.proxy.wire import Client, Message
from tests.testbed.deadline import eventually


def held(proxy: ProxyProcess, name: str) -> int:
    return proxy.stats().held.get(f"main/{name}", 0)


async def holds(proxy: ProxyProcess, name: str, count: int) -> None:
    """Wait until so many requests wait for the run."""
    await eventually(lambda: held(proxy, name) == count, f"{count} held")


async def wait_in_line(
    proxy: ProxyProcess, name: str, clients: Sequence[Client], *lines: str
) -> None:
    """Each of the clients asks, in this order, and waits."""
    before = held(proxy, name)
    for number, client in enumerate(clients):
        client.write(head(name, *lines, path=f"/{number}"))
        await holds(proxy, name, before + number + 1)


async def replies(clients: Sequence[Client]) -> list[Message]:
    return list(await asyncio.gather(*(client.reply() for client in clients)))


def metric(proxy: ProxyProcess, name: str) -> float:
    """The value of a metric, given with its labels."""
    lines = proxy.manage.get("/metrics").text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


def outcomes(proxy: ProxyProcess, outcome: str) -> float:
    return metric(proxy, f'perdure_proxy_holds_total{{outcome="{outcome}"}}')


class SmallBacklog(HTTPServer):
    """Python's own server: one request at a time, and room for few connections that wait."""

    request_queue_size = 5

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.server_address[1]}"

    def end(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: object) -> None:
        """Nowhere."""
