"""The server's own network, and whose address is whose."""

import asyncio
import json
from ipaddress import IPv4Address, IPv4Network

import pytest

from hosts.addresses import AddressBook
from hosts.docker import DockerRuntime
from hosts.docker.connection import Connection
from hosts.docker.network import ensure_network, network_name, our_pool, range_of_docker
from perdure.errors import ContainerCreateFailed
from tests.hosts.docker.jobs import job, shell
from tests.testbed.engine import Engine


@pytest.mark.parametrize(
    ("subnet", "first", "last", "docker"),
    [
        ("172.18.0.0/16", "172.18.0.2", "172.18.254.255", "172.18.255.0/24"),
        ("192.168.16.0/20", "192.168.16.2", "192.168.30.255", "192.168.31.0/24"),
        ("10.1.2.0/24", "10.1.2.2", "10.1.2.191", "10.1.2.192/26"),
    ],
)
def test_the_top_end_is_docker_s(subnet: str, first: str, last: str, docker: str) -> None:
    assert str(range_of_docker(IPv4Network(subnet))) == docker
    pool = our_pool(IPv4Network(subnet))
    assert (str(pool.first), str(pool.last)) == (first, last)


async def test_a_gone_replica_s_address_is_not_given_to_the_next(
    runtime: DockerRuntime, token: str
) -> None:
    given = []
    for number in range(3):
        state = await runtime.start(shell(f"{token}{number}", "exec sleep 1000"))
        given.append(IPv4Address(state.address.removeprefix("tcp://").split(":")[0]))
        await runtime.remove(f"{token}{number}")
    assert given == [given[0], given[0] + 1, given[0] + 2]


async def test_the_address_is_in_the_book_before_the_container_is_made(
    engine: Engine, book: AddressBook, token: str, other_server: str
) -> None:
    async with DockerRuntime(engine.url, other_server, book) as runtime:
        with pytest.raises(ContainerCreateFailed):
            await runtime.start(job(token, image="perdure-test/absent:1", server=other_server))
        network = json.loads(engine.docker("network", "inspect", network_name(other_server)))[0]
        subnet = IPv4Network(network["IPAM"]["Config"][0]["Subnet"])
        engine_id = engine.docker("info", "--format", "{{.ID}}")
        held = await book.claim(engine_id, token, our_pool(subnet))
        state = await runtime.start(job(token, "sleep", "99", server=other_server))
        assert state.address == f"tcp://{held}:8000"


async def test_callers_at_once_make_one_network(engine: Engine, other_server: str) -> None:
    connections = [Connection(engine.url) for _ in range(4)]
    try:
        made = await asyncio.gather(*(ensure_network(one, other_server) for one in connections))
    finally:
        for one in connections:
            await one.close()
    assert len({network.pool for network in made}) == 1
    names = engine.docker(
        "network", "ls", "--filter", f"label=perdure.server={other_server}",
        "--format", "{{.Name}}",
    )  # fmt: skip
    assert names.split() == [network_name(other_server)]


async def test_a_network_of_somebody_else_is_not_used(engine: Engine, other_server: str) -> None:
    engine.docker("network", "create", network_name(other_server))
    connection = Connection(engine.url)
    try:
        with pytest.raises(ContainerCreateFailed, match="not made by this server"):
            await ensure_network(connection, other_server)
    finally:
        await connection.close()


async def test_replicas_do_not_reach_each_other(runtime: DockerRuntime, token: str) -> None:
    server = await runtime.start(job(f"{token}a", "python3", "-m", "http.server", "8000"))
    host = server.address.removeprefix("tcp://").split(":")[0]
    dial = f"import socket; socket.create_connection(('{host}', 8000), 1)"
    await runtime.start(job(f"{token}b", "python3", "-c", dial))
    assert (await runtime.wait(f"{token}b")).exit_code == 1
