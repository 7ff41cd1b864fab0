"""`python -P -m hosts.tunnels` against a real sshd."""

import json
import os
import stat
import subprocess

from perdure.data_dir import DataDir
from tests.hosts.tunnels.running import FakeProxy, TunnelsProcess, ask, exchange_seconds
from tests.hosts.tunnels.sshd import Sshd
from tests.testbed.deadline import wait_until


def test_a_route_to_another_machine_has_a_socket_that_leads_to_the_replica(
    tunnels: TunnelsProcess, proxy: FakeProxy, sshd: Sshd, replica: int
) -> None:
    address = sshd.address(replica)
    proxy.addresses = (address, "tcp://127.0.0.1:9")
    tunnels.start_ready()
    path = tunnels.socket(address)
    wait_until(lambda: ask(path) == b"hello", "the tunnel leads to the replica")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    expected = [{"address": address, "socket": str(path), "open": True}]
    wait_until(lambda: tunnels.machines()[0]["tunnels"] == expected, "it is told to be open")
    assert tunnels.machines()[0]["state"] == "up"


def test_small_answers_do_not_wait_for_acknowledgements(
    tunnels: TunnelsProcess, proxy: FakeProxy, sshd: Sshd, replica: int
) -> None:
    address = sshd.address(replica)
    proxy.addresses = (address,)
    tunnels.start_ready()
    path = tunnels.socket(address)
    wait_until(lambda: ask(path) == b"hello", "the tunnel leads to the replica")
    # 40 ms is the kernel's delay of an acknowledgement; it is either there or not.
    assert exchange_seconds(path, 21) < 0.03


def test_a_replica_that_comes_later_gets_its_tunnel_on_the_same_connection(
    tunnels: TunnelsProcess, proxy: FakeProxy, sshd: Sshd, replica: int
) -> None:
    first, second = sshd.address(replica), sshd.address(replica, host="localhost")
    proxy.addresses = (first,)
    tunnels.start_ready()
    wait_until(lambda: ask(tunnels.socket(first)) == b"hello", "the first tunnel")
    [master] = tunnels.masters()
    proxy.addresses = (first, second)
    wait_until(lambda: ask(tunnels.socket(second)) == b"hello", "the second tunnel")
    assert tunnels.masters() == [master]


def test_a_killed_process_leaves_its_tunnels_and_the_next_one_adopts_them(
    tunnels: TunnelsProcess, proxy: FakeProxy, sshd: Sshd, replica: int
) -> None:
    address = sshd.address(replica)
    proxy.addresses = (address,)
    tunnels.start_ready()
    wait_until(lambda: ask(tunnels.socket(address)) == b"hello", "the tunnel")
    [master] = tunnels.masters()
    tunnels.kill()
    assert ask(tunnels.socket(address)) == b"hello"
    tunnels.start_ready()
    wait_until(lambda: tunnels.machines()[0]["tunnels"][0]["open"], "the tunnel is adopted")
    assert tunnels.masters() == [master]
    assert ask(tunnels.socket(address)) == b"hello"
    assert "is adopted" in tunnels.log.read_text()


def test_a_connection_that_died_while_nobody_looked_is_made_anew(
    tunnels: TunnelsProcess, proxy: FakeProxy, sshd: Sshd, replica: int
) -> None:
    address = sshd.address(replica)
    proxy.addresses = (address,)
    tunnels.start_ready()
    wait_until(lambda: ask(tunnels.socket(address)) == b"hello", "the tunnel")
    tunnels.kill()
    [master] = tunnels.masters()
    master.kill()
    wait_until(lambda: not tunnels.masters(), "the connection has ended")
    tunnels.start_ready()
    wait_until(lambda: ask(tunnels.socket(address)) == b"hello", "the tunnel again")


def test_tunnels_stay_while_the_proxy_is_away(
    tunnels: TunnelsProcess, proxy: FakeProxy, sshd: Sshd, replica: int
) -> None:
    address = sshd.address(replica)
    proxy.addresses = (address,)
    tunnels.start_ready()
    wait_until(lambda: ask(tunnels.socket(address)) == b"hello", "the tunnel")
    proxy.stop()
    wait_until(lambda: "all tunnels stay" in tunnels.log.read_text(), "it was noticed")
    assert ask(tunnels.socket(address)) == b"hello"


def test_told_to_stop_it_ends_its_connections_and_leaves_no_socket(
    tunnels: TunnelsProcess, proxy: FakeProxy, sshd: Sshd, replica: int, data: DataDir
) -> None:
    address = sshd.address(replica)
    proxy.addresses = (address,)
    tunnels.start_ready()
    wait_until(lambda: ask(tunnels.socket(address)) == b"hello", "the tunnel")
    assert tunnels.stop() == 0
    wait_until(lambda: not tunnels.masters(), "the connection has ended")
    assert {each.name for each in data.tunnels.iterdir()} == {"identity", "open.json"}
    assert json.loads((data.tunnels / "open.json").read_text()) == []


def test_an_address_that_is_no_tunnel_is_told_and_disturbs_no_other(
    tunnels: TunnelsProcess, proxy: FakeProxy, sshd: Sshd, replica: int
) -> None:
    address = sshd.address(replica)
    proxy.addresses = ("ssh://root@10.0.0.7:22#not-a-key/127.0.0.1:8000", address)
    tunnels.start_ready()
    wait_until(lambda: ask(tunnels.socket(address)) == b"hello", "the tunnel")
    assert "Replica r0 cannot be reached" in tunnels.log.read_text()


def test_without_tunnels_there_is_no_ssh_and_it_is_healthy(
    tunnels: TunnelsProcess, proxy: FakeProxy
) -> None:
    proxy.addresses = ("tcp://127.0.0.1:8000",)
    tunnels.start_ready()
    assert tunnels.get("/healthz") == 200
    assert tunnels.get("/elsewhere") == 404
    assert tunnels.machines() == []
    assert tunnels.masters() == []


def test_a_second_process_for_the_same_sockets_is_refused(
    tunnels: TunnelsProcess, data: DataDir
) -> None:
    tunnels.start_ready()
    other = TunnelsProcess(data)
    assert other.start().wait(30) == 1
    assert "are kept by another process" in other.log.read_text()
    assert tunnels.get("/readyz") == 200


def test_neither_arguments_nor_the_log_hold_the_private_key_or_our_environment(
    tunnels: TunnelsProcess, proxy: FakeProxy, sshd: Sshd, replica: int, data: DataDir
) -> None:
    os.environ["PERDURE_ADMIN_TOKEN"] = "s3cret-admin"
    try:
        proxy.addresses = (address := sshd.address(replica),)
        tunnels.start_ready()
    finally:
        del os.environ["PERDURE_ADMIN_TOKEN"]
    wait_until(lambda: ask(tunnels.socket(address)) == b"hello", "the tunnel")
    [master] = tunnels.masters()
    private = (data.keys / "tunnels").read_text().split("\n")[1]
    seen = " ".join([*master.cmdline(), *master.environ().values(), tunnels.log.read_text()])
    assert private not in seen
    assert "s3cret-admin" not in seen


def test_ssh_accepts_the_key_that_was_made(data: DataDir, sshd: Sshd) -> None:
    told = subprocess.run(
        ["ssh-keygen", "-y", "-f", data.keys / "tunnels"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split()[:2] == (data.keys / "tunnels.pub").read_text().split()[:2]
