"""What a browser shows while a service wakes."""

import re
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser

import pytest

from proxy.waiting_page import waiting_page
from tests.proxy.holding import held, holds
from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Upstream
from tests.proxy.wire import Client

Start = Callable[..., Awaitable[Upstream]]
BROWSER = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"


class Page(HTMLParser):
    """Its elements with their attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("coming", [{"starting": True}, {"asleep": True}], ids=str)
@pytest.mark.parametrize("lines", [("Sec-Fetch-Mode: navigate",), (BROWSER,)], ids=str)
async def test_a_page_load_gets_a_page_that_loads_itself_again(
    proxy: RunningProxy, client: Client, coming: dict[str, bool], lines: tuple[str, ...]
) -> None:
    name = await proxy.publish(**coming, cold_start=11.5)
    reply = await client.send(head(name, *lines))
    assert (reply.status, reply.get("retry-after")) == (503, "12")
    assert reply.get("cache-control") == "no-store"
    assert reply.get("content-type") == "text/html; charset=utf-8"
    page = Page(reply.body.decode())
    assert ("meta", {"http-equiv": "refresh", "content": "5"}) in page.elements
    assert f"{name} is starting" in page.words
    assert "The last start took 12 seconds." in page.words
    assert held(proxy, name) == 0
    assert proxy.stats().arrived[f"main/{name}"] == 1


@pytest.mark.parametrize(
    ("method", "lines"),
    [
        ("GET", ("Sec-Fetch-Mode: cors", BROWSER)),
        ("GET", ("Accept: application/json, text/html",)),
        ("GET", ("Accept: */*",)),
        ("GET", ()),
        ("POST", ("Sec-Fetch-Mode: navigate", "Content-Length: 0")),
    ],
)
async def test_whatever_else_asks_waits(
    proxy: RunningProxy, upstream: Start, client: Client, method: str, lines: tuple[str, ...]
) -> None:
    name = await proxy.publish(starting=True)
    client.write(head(name, *lines, method=method))
    await holds(proxy, name, 1)
    await proxy.publish((await upstream()).address, run=name)
    assert (await client.reply()).status == 200


async def test_when_none_is_coming_there_is_nothing_to_wait_for(
    proxy: RunningProxy, client: Client
) -> None:
    name = await proxy.publish()
    reply = await client.send(head(name, BROWSER))
    assert (reply.status, reply.get("content-type")) == (503, "application/json")


async def test_a_page_load_is_answered_by_a_replica_that_is_ready(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address, asleep=True)
    assert (await client.send(head(name, BROWSER))).status == 200


def test_the_name_of_a_service_is_text() -> None:
    reply = waiting_page('<script>"&', 0.4, 5)
    page = Page(reply.body.decode())
    assert "script" not in [tag for tag, _ in page.elements]
    assert page.words.count('<script>"& is starting') == 2
    assert "took a second" in page.words


def test_how_long_a_first_start_takes_is_not_known() -> None:
    assert "not known yet" in Page(waiting_page("app", None, 5).body.decode()).words


def test_a_page_loads_itself_again_while_a_long_start_goes_on() -> None:
    """Each load is an arrival, without which the service would fall asleep again."""
    page = Page(waiting_page("app", 900, 900).body.decode())
    assert ("meta", {"http-equiv": "refresh", "content": "5"}) in page.elements


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = waiting_page("app", 5, 5).body.decode()
    names = {name for _, attributes in Page(text).elements for name in attributes}
    assert not names & {"src", "href", "srcset", "action"}
    assert not re.search(r"url\(|@import|https?:", text)
