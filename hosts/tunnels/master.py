"""The ssh connection to one machine: a ControlMaster of the system's `ssh`, which outlives us.

All names are relative to the folder of the sockets, in which every `ssh` runs: ssh would read
`%`, `~`, `:` and spaces of a data directory's path in ways of its own.
"""

import asyncio
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

from hosts.tunnels.address import Remote, Tunnel
from perdure.errors import InstanceUnreachable, sentence

IDENTITY = "identity"  # a link to the private key, in the folder of the sockets

CONNECT_SECONDS = 10  # until TCP and the greeting are through
LOGIN_SECONDS = 20.0  # for all of a connection, with key exchange on a busy machine
ASK_SECONDS = 5.0  # for an order to a master, which takes 6 ms

# Dead connections are noticed within ALIVE_INTERVAL * ALIVE_COUNT seconds.
ALIVE_INTERVAL = 5
ALIVE_COUNT = 3

BASE = ("-F", "none", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR")
CONNECTION = (
    "ControlMaster=yes",
    "ControlPersist=no",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "UpdateHostKeys=no",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "PreferredAuthentications=publickey",
    f"ConnectTimeout={CONNECT_SECONDS}",
    "ConnectionAttempts=1",
    "ExitOnForwardFailure=yes",
    "StreamLocalBindUnlink=yes",
    "StreamLocalBindMask=0177",
    f"ServerAliveInterval={ALIVE_INTERVAL}",
    f"ServerAliveCountMax={ALIVE_COUNT}",
    "TCPKeepAlive=no",
)
# Nothing of our environment: it may hold secrets, and ssh's messages are read in English.
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


class Master:
    """`gone` is called once for each connection that ended without being told to."""

    def __init__(self, remote: Remote, folder: Path, gone: Callable[[], None]) -> None:
        self._remote = remote
        self._folder = folder
        self._gone = gone
        self._process: int | None = None  # a pidfd: readable when the master has ended
        self._over = asyncio.Event()
        self._leaving = False

    @property
    def connected(self) -> bool:
        """Whether the master lives."""
        return self._process is not None

    async def connect(self) -> bool:
        """Adopt the master that lives, else start one; whether it was adopted.

        Raises `InstanceUnreachable`, with ssh's own word.
        """
        adopted = await self._watch()
        if not adopted:
            await self._start()
            if not await self._watch():
                raise self._unreachable("the connection ended at once")
        # sshd turns Nagle's algorithm off only once a session was opened: without one every small
        # answer waits 40 ms for an acknowledgement. The machine may answer with its forced command.
        await self._ssh("-S", self._control, *self._destination, "true", patience=LOGIN_SECONDS)
        return adopted

    async def open(self, tunnel: Tunnel) -> None:
        """Add a tunnel; nothing changes when it is there. Raises `InstanceUnreachable`."""
        await self._order("forward", "-L", f"./{tunnel.socket}:{tunnel.target}")

    async def close(self, tunnel: Tunnel) -> None:
        """Accept nothing more for a tunnel; what is under way goes on.

        Raises `InstanceUnreachable`.
        """
        await self._order("cancel", "-L", f"./{tunnel.socket}:{tunnel.target}")
        self.discard(tunnel)

    def discard(self, tunnel: Tunnel) -> None:
        """Remove the socket of a tunnel whose master is gone."""
        (self._folder / tunnel.socket).unlink(missing_ok=True)

    async def leave(self) -> None:
        """End the connection, if it lives, and remove its files."""
        self._leaving = True
        try:
            if self.connected or await self._watch():
                await self._order("exit")
                async with asyncio.timeout(ASK_SECONDS):
                    await self._over.wait()
        except (InstanceUnreachable, TimeoutError):
            self.kill()
        finally:
            self._forget()
            self._leaving = False
            for suffix in ("ctl", "host", "log"):
                (self._folder / f"{self._remote.name}.{suffix}").unlink(missing_ok=True)

    def kill(self) -> None:
        """End a master that takes no orders."""
        if self._process is not None:
            try:
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
            except ProcessLookupError:
                self._ended()

    async def _start(self) -> None:
        name = self._remote.name
        (self._folder / self._control).unlink(missing_ok=True)
        log = self._folder / f"{name}.log"
        log.unlink(missing_ok=True)
        (self._folder / f"{name}.host").write_text(f"{name} {self._remote.host_key}\n")
        options = (
            *CONNECTION,
            f"UserKnownHostsFile=./{name}.host",
            f"HostKeyAlias={name}",
        )
        # ssh goes to the background when it has logged in, and is nobody's child from then on.
        status, _ = await _run(
            self._folder,
            "ssh",
            *BASE,
            *("-M", "-N", "-f", "-S", self._control, "-E", f"./{name}.log"),
            *("-i", f"./{IDENTITY}"),
            *(word for option in options for word in ("-o", option)),
            *self._destination,
            patience=LOGIN_SECONDS,
        )
        if status != 0:
            raise self._unreachable(_last_line(log) or f"ssh ended with status {status}")

    async def _watch(self) -> bool:
        """Take hold of the master that lives; whether there is one."""
        self._forget()
        status, answer = await self._ask("-O", "check")
        found = re.search(r"\(pid=(\d+)\)", answer)
        if status != 0 or found is None:
            return False
        try:
            self._process = os.pidfd_open(int(found[1]))
        except ProcessLookupError:
            return False
        self._over.clear()
        asyncio.get_running_loop().add_reader(self._process, self._ended)
        return True

    def _ended(self) -> None:
        if self._process is not None:
            self._forget()
            self._over.set()
            if not self._leaving:
                self._gone()

    def _forget(self) -> None:
        if self._process is not None:
            asyncio.get_running_loop().remove_reader(self._process)
            os.close(self._process)
            self._process = None

    async def _order(self, order: str, *arguments: str) -> None:
        await self._ssh("-S", self._control, "-O", order, *arguments, *self._destination)

    async def _ssh(self, *arguments: str, patience: float = ASK_SECONDS) -> None:
        status, answer = await _run(self._folder, "ssh", *BASE, *arguments, patience=patience)
        if status is None:
            self.kill()
        if status != 0:
            raise self._unreachable(answer or "ssh does not answer")

    async def _ask(self, *arguments: str) -> tuple[int | None, str]:
        command = ("ssh", *BASE, "-S", self._control, *arguments, *self._destination)
        return await _run(self._folder, *command, patience=ASK_SECONDS)

    @property
    def _control(self) -> str:
        return f"./{self._remote.name}.ctl"

    @property
    def _destination(self) -> tuple[str, ...]:
        remote = self._remote
        return ("-p", str(remote.port), "-l", remote.user, "--", remote.host)

    def _unreachable(self, reason: str) -> InstanceUnreachable:
        return InstanceUnreachable(
            sentence(f"`{self._remote}` cannot be reached by ssh: {reason}"),
            hint="Its host key must be the one in the address, and it must know this server's key.",
        )


async def _run(folder: Path, *command: str, patience: float) -> tuple[int | None, str]:
    """The exit status, None after `patience` seconds, and the last line of what it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(patience):
            _, said = await process.communicate()
    except TimeoutError:
        return None, ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = said.decode(errors="replace").split("\n")
    return process.returncode, next((line.strip() for line in reversed(lines) if line.strip()), "")


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
