"""The data directory of a server: where each thing in it is. All of it is for its owner only."""

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from perdure.errors import CannotStart, NoSpace

# The kernel's limit is 108 bytes with the final NUL; the longest name that we put below `sockets`
# has 52 (`tunnels/`, 32 hex digits, `.sock`, and a suffix of ssh's while it binds).
LONGEST_SOCKET_FOLDER = 107 - 52

RESERVED = 64 << 20
"""Bytes of the disk in which what runs can be watched, and stopped, for days."""


@dataclass(frozen=True)
class DataDir:
    """Names below `root`. Nothing is created before `create`.

    `instance` tells processes of one kind apart that share the directory.
    """

    root: Path
    instance: str = ""

    @property
    def database(self) -> Path:
        """The store, when it is SQLite."""
        return self.root / "perdure.db"

    @property
    def temporal_database(self) -> Path:
        """The embedded Temporal server's database. Back it up together with its `-wal`."""
        return self.root / "temporal.db"

    @property
    def temporal_ports(self) -> Path:
        """The port that the embedded Temporal server was given at its first start."""
        return self.root / "temporal.json"

    @property
    def master_key(self) -> Path:
        """32 random bytes, unless `PERDURE_MASTER_KEY_FILE` says elsewhere."""
        return self.root / "master.key"

    @property
    def master_key_check(self) -> Path:
        """What tells the master key of this directory from another one, and nothing else of it."""
        return self.root / "master.check"

    @property
    def server_id(self) -> Path:
        """Whose it is, once the set-up was completed: nothing is made anew after that."""
        return self.root / "server.id"

    @property
    def admin_token(self) -> Path:
        """The token of `admin`."""
        return self.root / "admin.token"

    @property
    def internal_key(self) -> Path:
        """The bearer key of the internal API."""
        return self.root / "internal.key"

    @property
    def lock(self) -> Path:
        """Held by the supervisor that uses this directory."""
        return self.run / "server.lock"

    @property
    def run(self) -> Path:
        """Pid files, each locked by the process that it names."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log file per process of ours."""
        return self.root / "logs"

    @property
    def code(self) -> Path:
        """Code archives, by the SHA-256 of their content."""
        return self.root / "code"

    @property
    def replicas(self) -> Path:
        """The process runtime's replicas, a folder each."""
        return self.root / "replicas"

    @property
    def proxy(self) -> Path:
        """What proxies keep."""
        return self.root / "proxy"

    @property
    def last_good(self) -> Path:
        """The proxy's last good table and tokens."""
        return self.proxy / f"{self._named('last-good')}.json"

    @property
    def keys(self) -> Path:
        """SSH keys, and the pinned host keys of machines."""
        return self.root / "keys"

    @cached_property
    def sockets(self) -> Path:
        """The folder of unix sockets: `run`, or a short one elsewhere when that is too deep."""
        if len(os.fsencode(self.run)) <= LONGEST_SOCKET_FOLDER:
            return self.run
        name = f"perdure-{os.getuid()}-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]}"
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108 - checked in `_own`
        if len(os.fsencode(runtime / name)) > LONGEST_SOCKET_FOLDER:
            runtime = Path("/tmp")  # noqa: S108 - likewise
        return runtime / name

    @property
    def api_socket(self) -> Path:
        """The API, behind the front door."""
        return self._socket("api")

    @property
    def internal_socket(self) -> Path:
        """The internal API."""
        return self._socket("internal")

    @property
    def worker_socket(self) -> Path:
        """The worker's health and metrics."""
        return self._socket("worker")

    @property
    def proxy_socket(self) -> Path:
        """The proxy's management."""
        return self._socket("proxy")

    @property
    def tunnels_socket(self) -> Path:
        """The tunnels' health and metrics."""
        return self.sockets / "tunnels.sock"

    @property
    def api_health_socket(self) -> Path:
        """The API's health and metrics: the front door leads to its other socket."""
        return self.sockets / "api-health.sock"

    @property
    def server_socket(self) -> Path:
        """The supervisor's health and metrics."""
        return self.sockets / "server.sock"

    @property
    def listener_socket(self) -> Path:
        """Where the holder hands out the public listening socket."""
        return self.sockets / "listener.sock"

    @property
    def tunnels(self) -> Path:
        """Sockets of tunnels to other machines."""
        return self.sockets / "tunnels"

    def _socket(self, name: str) -> Path:
        return self.sockets / f"{self._named(name)}.sock"

    def _named(self, name: str) -> str:
        return f"{name}-{self.instance}" if self.instance else name

    def require_space(self) -> None:
        """Raise `NoSpace` unless something can be added: what runs already needs the rest."""
        free = shutil.disk_usage(self.root).free
        if free < RESERVED:
            raise NoSpace(
                f"The disk of the server is full: {free >> 20} MB are free, and "
                f"{RESERVED >> 20} MB are kept for what runs.",
                hint="Free some space on the machine of the server, then apply again.",
            )

    def create(self) -> None:
        """Make the folders, mode 0700. Raises `CannotStart` when that is not possible."""
        for folder in (
            *(self.root, self.run, self.logs, self.code, self.replicas, self.proxy, self.keys),
            *(self.sockets, self.tunnels),
        ):
            _own(folder)


def _own(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = folder.lstat()
        if not stat.S_ISDIR(seen.st_mode) and not folder.is_dir():
            raise NotADirectoryError(20, "not a directory")
        if seen.st_uid != os.getuid():
            raise CannotStart(
                f"`{folder}` belongs to another user (uid {seen.st_uid}).",
                hint="Set `PERDURE_DATA_DIR` to a folder of your own.",
            )
        if stat.S_IMODE(seen.st_mode) != 0o700:
            folder.chmod(0o700)
    except OSError as error:
        raise CannotStart(
            f"The data directory cannot be used: `{folder}`: {(error.strerror or '').lower()}.",
            hint="Free some space, or set `PERDURE_DATA_DIR` to a folder that can be written.",
        ) from error
