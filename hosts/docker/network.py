"""The server's own bridge network, and the part of it whose addresses we hand out."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import IPv4Network
from typing import Any
from uuid import uuid4

from aiodocker import DockerError

from hosts.docker.connection import SLOW, Connection
from hosts.docker.container import SERVER
from perdure.errors import ContainerCreateFailed, sentence
from spec.addresses import AddressPool
from spec.public import Model

PROBE = "perdure.probe"
# Another process may take the subnet, or sweep the probe, between our two calls.
ATTEMPTS, PAUSE = 8, 0.2


class Network(Model):
    """A network and the addresses in it that only we give away."""

    name: str
    pool: AddressPool


def network_name(server_id: str) -> str:
    """The network's name on the engine."""
    return f"perdure-{server_id}"


def bridge_name(server_id: str) -> str:
    """The network's interface on the machine: at most 15 characters."""
    return f"perdure-{sha256(server_id.encode()).hexdigest()[:7]}"


def range_of_docker(subnet: IPv4Network) -> IPv4Network:
    """The top end of `subnet`, left to Docker for containers without an address of ours."""
    return list(subnet.subnets(new_prefix=max(24, subnet.prefixlen + 2)))[-1]


def our_pool(subnet: IPv4Network) -> AddressPool:
    """What is ours: from after the gateway up to the range of Docker."""
    return AddressPool(first=subnet[2], last=range_of_docker(subnet)[0] - 1)


async def ensure_network(engine: Connection, server_id: str) -> Network:
    """Find the server's network, or make it.

    Docker checks a subnet that it is given only against its own networks, one that it chooses also
    against the machine's routes: so it chooses, and gets its choice back with a range for itself.
    Raises `ContainerCreateFailed`.
    """
    name = network_name(server_id)
    refusal = ""
    for _ in range(ATTEMPTS):
        if found := await _find(engine, name, server_id):
            return found
        try:
            await _create(engine, name, server_id, await _free_subnet(engine, server_id))
        except DockerError as error:
            refusal = error.message
            await asyncio.sleep(PAUSE)
    raise ContainerCreateFailed(sentence(f"The network `{name}` could not be made: {refusal}"))


async def _find(engine: Connection, name: str, server_id: str) -> Network | None:
    networks = await engine.ask("networks", params={"filters": f'{{"name":["{name}"]}}'})
    for network in networks:
        if network["Name"] != name:
            continue
        if (network["Labels"] or {}).get(SERVER) != server_id:
            raise ContainerCreateFailed(
                f"The Docker network `{name}` exists and was not made by this server.",
                hint=f"Remove it: `docker network rm {name}`.",
            )
        return Network(name=name, pool=our_pool(_subnet(network)))
    return None


async def _create(engine: Connection, name: str, server_id: str, subnet: IPv4Network) -> None:
    await engine.json(
        "POST",
        "networks/create",
        body={
            "Name": name,
            "CheckDuplicate": True,
            "Driver": "bridge",
            "Labels": {SERVER: server_id},
            "Options": {
                # Replicas meet through the proxy, which knows who may; not side by side.
                "com.docker.network.bridge.enable_icc": "false",
                # Docker checks for a second network of a name too late, of a bridge in time.
                "com.docker.network.bridge.name": bridge_name(server_id),
            },
            "IPAM": {
                "Config": [
                    {
                        "Subnet": str(subnet),
                        "IPRange": str(range_of_docker(subnet)),
                        "Gateway": str(subnet[1]),
                    }
                ]
            },
        },
        within=SLOW,
    )


async def _free_subnet(engine: Connection, server_id: str) -> IPv4Network:
    await _sweep_probes(engine, server_id)
    probe = await engine.json(
        "POST",
        "networks/create",
        body={
            "Name": f"{network_name(server_id)}-{uuid4().hex[:8]}",
            "Driver": "bridge",
            "Labels": {SERVER: server_id, PROBE: ""},
        },
        within=SLOW,
    )
    subnet = _subnet(await engine.json("GET", f"networks/{probe['Id']}"))
    await engine.json("DELETE", f"networks/{probe['Id']}", within=SLOW)
    return subnet


async def _sweep_probes(engine: Connection, server_id: str) -> None:
    wanted = f'{{"label":["{SERVER}={server_id}","{PROBE}"]}}'
    for probe in await engine.ask("networks", params={"filters": wanted}):
        await engine.json("DELETE", f"networks/{probe['Id']}", within=SLOW)


def _subnet(network: Mapping[str, Any]) -> IPv4Network:
    subnets = [
        IPv4Network(one["Subnet"]) for one in network["IPAM"]["Config"] if "." in one["Subnet"]
    ]
    return subnets[0]
