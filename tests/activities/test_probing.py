"""A probe is one request to the replica itself, and its answer's status counts."""

import socket
from typing import Any

import pytest

from activities.probing import MOST_READ, Probing, ask, probe_client
from policy.probing import FAILURES, ProbeResult, begun
from spec.probe import Probe, ProbeHeader, ProbeMethod
from spec.status import Health
from tests.activities.http_server import http_server, status
from tests.policy.making import NOW


def probe(**properties: Any) -> Probe:
    """Asked again at once, unlike those of users."""
    given = Probe.model_validate({"type": "http", "url": "/health"} | properties)
    return given.model_copy(update={"interval": 0})


def header(value: str) -> ProbeHeader:
    """Whatever its value: checks of today need not have been those of then."""
    return ProbeHeader.model_construct(name="X", value=value)


async def asked(address: str, asking: Probe) -> ProbeResult:
    async with probe_client(address) as client:
        return await ask(client, address, asking)


@pytest.mark.parametrize(
    ("code", "passes"),
    [(200, True), (204, True), (299, True), (301, False), (404, False), (503, False)],
)
async def test_200_to_299_pass(code: int, passes: bool) -> None:
    async with http_server(code) as requests:
        result = await asked(requests.address, probe())
    assert result == ProbeResult(passed=passes, outcome=f"answered {code}")


async def test_a_redirect_is_not_followed() -> None:
    async with http_server(status(302, "location: /elsewhere"), 200) as requests:
        result = await asked(requests.address, probe())
        assert requests.paths == ["/health"]
    assert not result.passed


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete"])
async def test_it_is_sent_as_it_is_written(method: str) -> None:
    body = None if method in {"get", "head"} else "grüße"
    headers = [
        {"name": "X-Probe", "value": "one"},
        {"name": "X-Probe", "value": "zwö"},
        {"name": "Host", "value": "example.com"},
    ]
    written = probe(method=method, url="//deep/%7Ea?q=1&r=%20", headers=headers, body=body)
    async with http_server(200) as requests:
        assert (await asked(requests.address, written)).passed
    (head,) = requests.heads
    assert head.startswith(f"{method.upper()} //deep/%7Ea?q=1&r=%20 HTTP/1.1\r\n")
    for line in ("x-probe: one", "x-probe: zwö", "host: example.com", "connection: close"):
        assert f"\r\n{line}\r\n" in head
    assert requests.bodies == [(body or "").encode()]


async def test_silence_fails_after_the_probes_own_time() -> None:
    hasty = probe().model_copy(update={"timeout": 0.05})
    async with http_server(None) as requests:
        result = await asked(requests.address, hasty)
    assert result == ProbeResult(passed=False, outcome="had no answer within 0.05 s")


async def test_a_closed_port_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    assert await asked(address, probe()) == ProbeResult(passed=False, outcome="found no open port")


@pytest.mark.parametrize("raw", [b"", b"hello\r\n\r\n", status(200)[:-30]])
async def test_what_is_no_answer_in_http_fails(raw: bytes) -> None:
    async with http_server(raw) as requests:
        result = await asked(requests.address, probe())
    assert result == ProbeResult(passed=False, outcome="was cut off before an answer in HTTP")


@pytest.mark.parametrize(
    "part",
    [
        {"headers": (header("s3cret\x0b"),)},
        {"headers": (header("s3cret\udc80"),)},
        {"url": "/s3cret\x01"},
        {"url": "/s3cret\udc80"},
        {"method": ProbeMethod.POST, "body": "s3cret\udc80"},
    ],
)
async def test_what_http_does_not_allow_fails_and_is_not_quoted(part: dict[str, Any]) -> None:
    wrong = Probe.model_construct(**{**dict(probe()), **part})
    async with http_server(200) as requests:
        result = await asked(requests.address, wrong)
        assert requests.paths == []
    assert not result.passed
    assert "cannot be sent" in result.outcome
    assert "s3cret" not in result.outcome


async def test_an_answers_cookies_are_not_sent_back() -> None:
    async with http_server(status(200, "set-cookie: a=b; path=/")) as requests:
        address = requests.address
        probing = Probing(address, begun((probe(ready_after=3),), Health.STARTING, NOW))
        await probing.until_changed(at_once=True)
    assert len(requests.heads) >= 3
    assert not any("cookie" in head for head in requests.heads)


async def test_a_body_is_read_up_to_a_bound() -> None:
    endless = b"HTTP/1.1 200 x\r\ncontent-length: 1000000000\r\n\r\n" + b"x" * 2 * MOST_READ
    async with http_server(endless) as requests:
        assert (await asked(requests.address, probe())).passed


async def test_probing_goes_on_until_all_probes_have_passed_as_often_as_they_must() -> None:
    probes = (probe(ready_after=2), probe(url="/deep"))
    async with http_server(503, 200) as requests:
        probing = Probing(requests.address, begun(probes, Health.STARTING, NOW))
        known = await probing.until_changed(at_once=True)
    assert known.health is Health.HEALTHY
    assert requests.paths.count("/health") >= 2
    assert "/deep" in requests.paths


async def test_probing_a_healthy_replica_goes_on_until_it_has_failed_so_often_in_a_row() -> None:
    async with http_server(200, 503, 503, 200, 503) as requests:
        probing = Probing(requests.address, begun((probe(),), Health.HEALTHY, NOW))
        known = await probing.until_changed(at_once=False)
    assert known.health is Health.UNHEALTHY
    assert known.detail == "The probe `GET /health` answered 503."
    assert len(requests.heads) == 4 + FAILURES


async def test_a_probe_that_hangs_does_not_keep_the_others_waiting() -> None:
    probes = (probe(url="/hangs"), probe())
    async with http_server(503, silent_at="/hangs") as requests:
        probing = Probing(requests.address, begun(probes, Health.HEALTHY, NOW))
        known = await probing.until_changed(at_once=True)
    assert known.health is Health.UNHEALTHY
    assert requests.paths.count("/hangs") == 1
