"""The two proxies that are compared, started and measured alike."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psutil

TOKEN = "bench-token"
PREFIX = "/proxy/services/main/bench"
REPOSITORY = Path(__file__).parents[2]

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/a; uwsgi_temp_path {folder}/b; scgi_temp_path {folder}/c;
    keepalive_requests 1000000000;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream bench {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location {prefix}/ {{
            proxy_pass http://bench/;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_buffering off; proxy_request_buffering off; client_max_body_size 0;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Contestant:
    """A running proxy. `cpu` is in seconds, of all its processes."""

    name: str
    port: int
    process: psutil.Process

    def cpu(self) -> float:
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in family)


@contextmanager
def running(command: list[str], cores: str) -> Iterator[psutil.Process]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        ["taskset", "-c", cores, *command], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def perdure(folder: Path, port: int, upstream: int, cores: str) -> Iterator[Contestant]:
    routes = folder / "routes.json"
    token = {"sha256": sha256(TOKEN.encode()).hexdigest(), "projects": ["main"]}
    replica = {"id": "r0", "address": f"tcp://127.0.0.1:{upstream}"}
    route = {"project": "main", "run": "bench", "version": 1, "replicas": [replica]}
    routes.write_text(json.dumps({"version": 1, "tokens": [token], "routes": [route]}))
    command = [sys.executable, "-m", "proxy", "--routes", str(routes)]
    with running([*command, "--listen", f"127.0.0.1:{port}"], cores) as process:
        yield Contestant("perdure", port, process)


@contextmanager
def nginx(folder: Path, port: int, upstream: int, cores: str) -> Iterator[Contestant]:
    file = folder / "nginx.conf"
    text = NGINX.format(folder=folder, port=port, upstream=upstream, prefix=PREFIX)
    file.write_text(text)
    with running(["nginx", "-p", str(folder), "-c", str(file)], cores) as process:
        yield Contestant("nginx", port, process)
