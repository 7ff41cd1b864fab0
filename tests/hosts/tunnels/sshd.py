"""A real sshd on loopback with a host key of its own, and a target behind it."""

import getpass
import os
import signal
import socket
import subprocess
from pathlib import Path

import psutil

from tests.ports import free_port
from tests.testbed.deadline import wait_until
from tests.testbed.tool import SEARCH

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin yes
AllowTcpForwarding yes
LogLevel VERBOSE
"""


def make_host_key(path: Path) -> str:
    """The public half, as addresses hold it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


class Sshd:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.port = free_port()
        self.host_key = make_host_key(folder / "host_key")
        self.authorized_keys = folder / "authorized_keys"
        (folder / "sshd_config").write_text(CONFIG.format(port=self.port, folder=folder))
        self.process: subprocess.Popen[bytes] | None = None

    def address(self, target: int, *, host: str = "127.0.0.1", host_key: str = "") -> str:
        """Of a replica at a port of `host`, as seen from this machine."""
        user = getpass.getuser()
        key = host_key or self.host_key
        return f"ssh://{user}@127.0.0.1:{self.port}#{key}/{host}:{target}"

    def allow(self, public_key: str) -> None:
        """As instances do it: forwards only, and `true` whatever is asked."""
        options = 'restrict,port-forwarding,command="true"'
        self.authorized_keys.write_text(f"{options} {public_key}\n")

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd separates its privileges there
        found = subprocess.run(
            ["sh", "-c", "command -v sshd"],
            env={"PATH": SEARCH}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        # In a session of its own: the one process that we end, and its connections.
        self.process = subprocess.Popen(
            [found.stdout.strip(), "-D", "-f", self.folder / "sshd_config",
             "-E", self.folder / "log"],
            start_new_session=True,
        )  # fmt: skip
        wait_until(self._listens, "sshd listens")

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def stop(self) -> None:
        """With all of its connections."""
        if self.process is None:
            return
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for each in family:
            if each.is_running():
                each.kill()
        self.process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
