"""A tunnels process over a data directory, and the management socket of a proxy that a test is."""

import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psutil

from perdure.data_dir import DataDir
from spec.route import ReplicaRoute, RouteTable, tunnel_socket
from tests.testbed.deadline import wait_until

ROOT = Path(__file__).parents[3]


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class FakeProxy:
    """Tells its routes on the management socket, as `proxy.management` does."""

    def __init__(self, path: Path) -> None:
        self.addresses: tuple[str, ...] = ()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = fake.body()
                self.send_response(200 if self.path == "/admin/routes" else 404)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                pass

        self._server = Server(str(path), Handler)
        self._path = path
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def body(self) -> bytes:
        replicas = tuple(
            ReplicaRoute(id=f"r{number}", address=address)
            for number, address in enumerate(self.addresses)
        )
        table = RouteTable(project="main", run="llm", replicas=replicas)
        return json.dumps({"routes": [table.model_dump(mode="json")], "differs": None}).encode()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


class Echo(socketserver.BaseRequestHandler):
    """A replica that sends back what it is sent."""

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while received := self.request.recv(100):
            self.request.sendall(received)


class TunnelsProcess:
    def __init__(self, data: DataDir) -> None:
        self.data = data
        self.log = data.root / "tunnels.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "hosts.tunnels"],
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "PERDURE_DATA_DIR": str(self.data.root),
                },
                stderr=log,
            )
        return self.process

    def start_ready(self) -> None:
        self.start()
        wait_until(lambda: self.get("/readyz") == 200, "the tunnels are ready")

    def get(self, path: str) -> int:
        """The status; 0 when nothing answers."""
        return self._exchange(path)[0]

    def machines(self) -> list[dict[str, Any]]:
        return list(json.loads(self._exchange("/tunnels")[1])["machines"])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Told to; its exit status."""
        if self.process is None:
            return 0
        self.process.terminate()
        return self.process.wait(30)

    def socket(self, address: str) -> Path:
        """Where a proxy looks for it."""
        return self.data.tunnels / tunnel_socket(address)

    def masters(self) -> list[psutil.Process]:
        """The living ssh connections of this data directory, of whatever parent."""
        return [
            each
            for each in psutil.process_iter(["name", "cwd", "status"])
            if each.info["name"] == "ssh"
            and each.info["cwd"] == str(self.data.tunnels)
            and each.info["status"] != psutil.STATUS_ZOMBIE
        ]

    def _exchange(self, path: str) -> tuple[int, bytes]:
        with socket.socket(socket.AF_UNIX) as caller:
            try:
                caller.settimeout(5)
                caller.connect(str(self.data.sockets / "tunnels.sock"))
                caller.sendall(f"GET {path} HTTP/1.1\r\nHost: tunnels\r\n\r\n".encode())
                with caller.makefile("rb") as answer:
                    head, _, body = answer.read().partition(b"\r\n\r\n")
            except OSError:
                return 0, b""
        return int(head.split(b" ")[1]), body


def ask(path: Path) -> bytes:
    """What the target says through a tunnel; nothing when it cannot be reached."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(5)
        try:
            caller.connect(str(path))
            caller.sendall(b"hello")
            return caller.recv(100)
        except OSError:
            return b""


def exchange_seconds(path: Path, rounds: int) -> float:
    """The median time of small answers over one connection."""
    times = []
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(5)
        caller.connect(str(path))
        for _ in range(rounds):
            begun = time.perf_counter()
            caller.sendall(b"hello")
            assert caller.recv(100)
            times.append(time.perf_counter() - begun)
    return sorted(times)[rounds // 2]
