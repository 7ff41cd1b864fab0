"""A Docker engine of its own, in a namespace of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.testbed.deadline import wait_until
from tests.testbed.namespace import Namespace
from tests.testbed.tool import SEARCH, run

RUNTIME = Path(__file__).with_name("runtime.sh")
MIRROR_PORT = 19051


class Engine:
    """dockerd in `namespace`, all of its files in `folder` (short: it holds a socket's path).

    An executable that only exists, `nvidia-container-runtime-hook`, lets it accept GPUs.
    """

    def __init__(self, namespace: Namespace, folder: Path, *, live_restore: bool = False) -> None:
        self.namespace = namespace
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self._live_restore = live_restore
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def create(self) -> None:
        """Start on a fresh folder and a fresh namespace, whatever an earlier run has left."""
        self.remove()
        self.namespace.create()
        (self.folder / "bin").mkdir(parents=True)
        hook = self.folder / "bin" / "nvidia-container-runtime-hook"
        hook.write_text("#!/bin/sh\nexit 0\n")
        hook.chmod(0o755)
        self._config.write_text(json.dumps(self._settings()))
        self.start()
        self.namespace.open_to_us()

    def start(self) -> None:
        """Start dockerd and wait until it answers."""
        with (self.folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.namespace.enter("dockerd", "--config-file", self._config),
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": f"{self.folder}/bin:{SEARCH}"},
                start_new_session=True,
            )
        wait_until(self._answers, f"dockerd answers (see {self.folder}/dockerd.log)")

    def kill(self) -> None:
        """The engine dies, at once; containers with live-restore stay."""
        assert self._process is not None
        containerd = self._pid("exec/containerd/containerd.pid")
        self._process.kill()
        self._process.wait()
        # A start is refused while the dead containerd has not been reaped by init.
        wait_until(lambda: not _exists(containerd), "the engine's containerd is gone")

    def freeze(self) -> None:
        """It accepts connections and says nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(lambda: _is_stopped(self.pid), "the last thread of dockerd has stopped")

    def thaw(self) -> None:
        """It goes on."""
        os.kill(self.pid, signal.SIGCONT)

    def docker(self, *arguments: str) -> str:
        """What the command line prints: a second opinion on what the runtime did."""
        return run("docker", "-H", self.url, *arguments).strip()

    def remove(self) -> None:
        """End the engine and its containers, and take away mounts, files and namespace."""
        self._end_containers()
        self._end()
        for mount in sorted(_mounts_under(self.folder), reverse=True):
            with suppress(RuntimeError):
                run("umount", "--lazy", mount)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.namespace.remove()

    @property
    def _config(self) -> Path:
        return self.folder / "daemon.json"

    def _settings(self) -> dict[str, object]:
        return {
            "data-root": f"{self.folder}/data",
            "exec-root": f"{self.folder}/exec",
            "pidfile": f"{self.folder}/docker.pid",
            "hosts": [self.url],
            "live-restore": self._live_restore,
            "runtimes": {"without-sys-resource": {"path": str(RUNTIME)}},
            "default-runtime": "without-sys-resource",
            "default-address-pools": [{"base": self.namespace.container_pool, "size": 24}],
            "insecure-registries": ["10.77.0.0/16"],
            "registry-mirrors": [f"http://{self.namespace.our_address}:{MIRROR_PORT}"],
        }

    def _end_containers(self) -> None:
        if self._answers():
            for container in self.docker("ps", "--all", "--quiet").split():
                self.docker("rm", "--force", "--volumes", container)

    def _end(self) -> None:
        pid = self._pid("docker.pid")
        if pid and str(self._config) in _command(pid):
            self._signal(pid, signal.SIGCONT)
            self._signal(pid, signal.SIGTERM)
            if self._process is not None:
                self._process.wait(timeout=30)
            wait_until(lambda: not _exists(pid), "dockerd has ended")
        self._process = None

    def _signal(self, pid: int, sign: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)

    def _pid(self, file: str) -> int:
        with suppress(OSError, ValueError):
            return int((self.folder / file).read_text())
        return 0

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(2)
                client.connect(f"{self.folder}/docker.sock")
                client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in client.recv(64)
        except OSError:
            return False


def _exists(pid: int) -> bool:
    return pid != 0 and Path(f"/proc/{pid}").exists()


def _is_stopped(pid: int) -> bool:
    states = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state.rpartition(")")[2].split()[0] == "T" for state in states)


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def _mounts_under(folder: Path) -> list[str]:
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [mount for mount in mounts if mount.startswith(f"{folder}/")]
