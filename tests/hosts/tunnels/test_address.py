"""What an `ssh://` address says, and that proxies look where the socket is."""

from pathlib import Path

import pytest

from hosts.tunnels.address import Remote, tunnel
from perdure.errors import InvalidInput
from proxy.addresses import endpoint

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5/AAA+x=="
ADDRESS = f"ssh://perdure@10.0.0.7:2222#{KEY}/172.30.0.9:8000"


def test_an_address_names_the_machine_its_host_key_and_the_target() -> None:
    found = tunnel(ADDRESS)
    assert found.remote == Remote("perdure", "10.0.0.7", 2222, KEY)
    assert found.target == "172.30.0.9:8000"


def test_ipv6_machines_lose_their_brackets_and_targets_keep_them() -> None:
    found = tunnel(f"ssh://perdure@[fd00::7]:22#{KEY}/[fd00::9]:8000")
    assert (found.remote.host, found.target) == ("fd00::7", "[fd00::9]:8000")


def test_the_socket_is_where_a_proxy_looks_for_it() -> None:
    folder = Path("/run/perdure/tunnels")
    assert endpoint(ADDRESS, folder).path == str(folder / tunnel(ADDRESS).socket)


def test_another_host_key_is_another_machine() -> None:
    other = tunnel(ADDRESS.replace("AAA+", "AAB+"))
    assert other.remote.name != tunnel(ADDRESS).remote.name


@pytest.mark.parametrize(
    "address",
    [
        "tcp://10.0.0.7:8000",
        f"ssh://-oProxyCommand=x@10.0.0.7:22#{KEY}/172.30.0.9:8000",
        f"ssh://perdure@-oProxyCommand=x:22#{KEY}/172.30.0.9:8000",
        "ssh://perdure@10.0.0.7:22#ssh-ed25519 AAAA\nevil ssh-ed25519 BBBB/172.30.0.9:8000",
        "ssh://perdure@10.0.0.7:22#ssh-ed25519/172.30.0.9:8000",
        "ssh://perdure@10.0.0.7:22#@cert-authority AAAA/172.30.0.9:8000",
        f"ssh://perdure@10.0.0.7:22#{KEY}/172.30.0.9:8000\n",
        f"ssh://perdure@10.0.0.7:22#{KEY}",
        f"ssh://perdüre@10.0.0.7:22#{KEY}/172.30.0.9:8000",
    ],
)
def test_what_ssh_could_misread_is_no_address(address: str) -> None:
    with pytest.raises(InvalidInput, match="is not the address of a tunnel"):
        tunnel(address)
