"""The process: its table, its management, its end."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from spec.route import RouteFile
from tests.proxy.running import RunningProxy, command, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client, read_message
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]


async def test_the_route_file_is_read_again_when_it_changes(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish()
    file = RouteFile.model_validate_json(proxy.file.read_bytes())
    replicas = [{"id": "new", "address": application.address}]
    text = file.model_dump(mode="json")
    text["routes"][-1].update(replicas=replicas, version=2)
    proxy.file.write_text(RouteFile.model_validate(text).model_dump_json())
    await eventually(lambda: proxy.stats().tables[f"main/{name}"].version == 2)
    assert (await client.send(head(name))).status == 200
    proxy.routes[name] = RouteFile.model_validate(text).routes[-1]


async def test_a_bad_route_file_changes_nothing(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    good = proxy.file.read_text()
    proxy.file.write_text(good.replace("tcp://", "udp://"))
    proxy.signal(signal.SIGHUP)
    await eventually(lambda: "stays as it was" in proxy.log.read_text())
    assert (await client.send(head(name))).status == 200
    proxy.file.write_text(good)


async def test_health_readiness_and_metrics(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    before = proxy.stats().arrived[f"main/{name}"]
    for _ in range(3):
        await client.send(head(name))
    assert proxy.stats().arrived[f"main/{name}"] == before + 3
    for page in ("/healthz", "/startz", "/readyz"):
        assert proxy.manage.get(page).status_code == 200
    assert proxy.manage.get("/nothing").status_code == 404
    metrics = proxy.manage.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert f'perdure_proxy_requests_total{{run="main/{name}"}} 3.0' in metrics.text
    assert 'perdure_proxy_replies_total{kind="service",status="200"}' in metrics.text
    assert 'perdure_proxy_duration_seconds_count{kind="service"}' in metrics.text
    of_run = f'{{run="main/{name}"}}'
    assert f"perdure_proxy_run_duration_seconds_count{of_run} 3.0" in metrics.text
    assert f"perdure_proxy_run_in_flight{of_run} 0.0" in metrics.text
    assert f"perdure_proxy_run_held{of_run} 0.0" in metrics.text


async def test_the_table_can_be_seen(proxy: RunningProxy) -> None:
    name = await proxy.publish("tcp://127.0.0.1:1")
    report = proxy.manage.get("/admin/routes").json()
    assert name in [route["run"] for route in report["routes"]]
    assert proxy.manage.get("/admin/routes?verify=1").json()["differs"] == []


async def test_counters_survive_the_end_of_a_run(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    await client.send(head(name))
    await proxy.remove(name)
    assert proxy.stats().arrived[f"main/{name}"] == 1


async def test_sigterm_lets_requests_in_flight_end_and_takes_no_others(
    tmp_path: Path, upstream: Start
) -> None:
    release, arrived = asyncio.Event(), asyncio.Event()

    async def answer(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await release.wait()
        await connection.reply(b"late")

    running = RunningProxy(tmp_path)
    name = await running.publish((await upstream(answer)).address)
    idle, busy = await running.connect(), await running.connect()
    busy.write(head(name))
    await arrived.wait()
    running.signal(signal.SIGTERM)
    assert await idle.ended() == b""
    with pytest.raises(ConnectionRefusedError):
        await running.connect()
    release.set()
    reply = await busy.reply()
    assert (reply.body, reply.get("connection")) == (b"late", "close")
    busy.writer.close()
    idle.writer.close()
    assert await asyncio.to_thread(running.stop) == 0


async def test_the_end_is_bounded(tmp_path: Path, upstream: Start) -> None:
    async def never(connection: Connection) -> None:
        await connection.gone()

    running = RunningProxy(tmp_path, "--stop-seconds", "0.5")
    name = await running.publish((await upstream(never)).address)
    client = await running.connect()
    client.write(head(name))
    await eventually(lambda: running.in_flight == 1)
    assert await asyncio.to_thread(running.stop) == 0
    client.writer.close()


async def test_an_inherited_socket_outlives_the_process(tmp_path: Path, upstream: Start) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        host, port = listener.getsockname()
        application = await upstream()
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            waiting = await asyncio.open_connection(host, port) if number else None
            running = RunningProxy(folder, listen_fd=listener.fileno())
            name = await running.publish(application.address)
            reader, writer = waiting or await asyncio.open_connection(host, port)
            writer.write(head(name))
            assert (await read_message(reader)).status == 200
            writer.close()
            assert await asyncio.to_thread(running.stop) == 0


async def test_the_front_door_gets_all_else_as_it_is(tmp_path: Path, upstream: Start) -> None:
    api = await upstream()
    running = RunningProxy(tmp_path, "--front", api.address)
    client = await running.connect()
    raw = (
        b"GET /api/runs?x=/y HTTP/1.1\r\nHost: front.test\r\nAuthorization: Bearer good\r\n"
        b"Cookie: perdure_session=s; a=b\r\n\r\n"
    )
    assert (await client.send(raw)).status == 200
    request = api.requests[0]
    assert request.target == "/api/runs?x=/y"
    assert request.get("authorization") == "Bearer good"
    assert request.get("cookie") == "perdure_session=s; a=b"
    assert request.get("x-forwarded-for") == "127.0.0.1"
    assert request.get("x-forwarded-host") == "front.test"
    seen = len(api.requests)
    for path in INTERNAL:
        reply = await client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert reply.status == 404, path
    assert len(api.requests) == seen
    await api.close()
    reply = await client.send(raw)
    assert reply.status == 502
    assert b'"code": "api_unreachable"' in reply.body
    client.writer.close()
    assert await asyncio.to_thread(running.stop) == 0


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 O", b"nonsense\r\n\r\n"])
async def test_an_api_that_hangs_or_talks_nonsense_is_no_replica(
    tmp_path: Path, upstream: Start, begins: bytes
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        connection.writer.write(begins)
        await asyncio.Event().wait()

    api = await upstream(answer)
    running = RunningProxy(tmp_path, "--front", api.address, "--silent-seconds", "1")
    client = await running.connect()
    reply = await client.send(b"GET /api/runs HTTP/1.1\r\nHost: front.test\r\n\r\n")
    assert (reply.status, b'"code": "api_unreachable"' in reply.body) == (502, True)
    client.writer.close()
    assert await asyncio.to_thread(running.stop) == 0


async def test_of_two_apis_the_one_that_lives_answers(tmp_path: Path, upstream: Start) -> None:
    one, two = await upstream(), await upstream()
    running = RunningProxy(tmp_path, "--front", one.address, "--front", two.address)
    client = await running.connect()
    raw = b"GET /api/runs HTTP/1.1\r\nHost: front.test\r\n\r\n"
    while not (one.requests and two.requests):
        assert (await client.send(raw)).status == 200
    await one.close()
    for _ in range(10):
        assert (await client.send(raw)).status == 200
    await two.close()
    assert (await client.send(raw)).status == 502
    client.writer.close()
    assert await asyncio.to_thread(running.stop) == 0


async def test_the_api_may_set_its_session(tmp_path: Path, upstream: Start) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.reply(b"", "Set-Cookie: perdure_session=s", "Set-Cookie: a=b")

    running = RunningProxy(tmp_path, "--front", (await upstream(answer)).address)
    client = await running.connect()
    reply = await client.send(b"GET /login HTTP/1.1\r\nHost: a\r\n\r\n")
    assert sorted(reply.all("set-cookie")) == ["a=b", "perdure_session=s"]
    client.writer.close()
    assert await asyncio.to_thread(running.stop) == 0


INTERNAL = (
    "/internal",
    "/internal/v1/feed",
    "//internal/v1/feed",
    "/./internal/v1/feed",
    "/x/../internal/v1/feed",
    "/%69nternal/v1/feed",
    "/%2569nternal/v1/feed",
    "/x/%2e%2e/internal/v1/feed",
    "/x%2f..%2finternal/v1/feed",
    "/x/..%5cinternal/v1/feed",
    "/INTERNAL/v1/feed",
    "/internal;a=b/v1/feed",
    "/internal%2fv1%2ffeed",
    "/%" + 9 * "25" + "69nternal/v1/feed",
    "/%" + 20_000 * "25" + "69nternal/v1/feed",
)


async def test_a_trusted_proxy_in_front_is_believed(tmp_path: Path, upstream: Start) -> None:
    application = await upstream()
    running = RunningProxy(tmp_path, "--trust", "127.0.0.0/8")
    name = await running.publish(application.address)
    client = await running.connect()
    told = ("X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: pub.test")
    await client.send(head(name, *told))
    request = application.requests[0]
    assert request.get("x-forwarded-for") == "9.9.9.9, 127.0.0.1"
    assert request.get("x-forwarded-proto") == "https"
    assert request.get("x-forwarded-host") == "pub.test"
    assert request.get("x-forwarded-prefix") == f"/proxy/services/main/{name}"
    client.writer.close()
    assert await asyncio.to_thread(running.stop) == 0


async def test_an_address_in_use_is_told_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        routes = tmp_path / "routes.json"
        routes.write_text("{}")
        process = await asyncio.create_subprocess_exec(
            *command("--routes", str(routes), "--listen", f"127.0.0.1:{port}"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
    assert process.returncode == 1
    assert f"Cannot listen on `127.0.0.1:{port}`" in said.decode()
    assert "hint: " in said.decode()


async def test_management_answers_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "manage.sock"
    running = RunningProxy(tmp_path, manage=f"unix://{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    async with httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(path), verify=False)
    ) as client:
        assert (await client.get("http://proxy/healthz")).status_code == 200
    assert await asyncio.to_thread(running.stop) == 0
