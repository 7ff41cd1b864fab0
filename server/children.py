"""What the embedded server consists of, in the order in which it starts."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from perdure.settings import Settings
from server import temporal
from server.part import LISTENER, Part, Step
from server.probe import accepts, answers
from server.temporal import Ports

HOLDER = Path(__file__).with_name("holder.py")
ADMIN_TOKEN = "PERDURE_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
DATABASE_URL = "PERDURE_DATABASE_URL"
SECRET = frozenset({"admin_token", "database_url"})
"""Settings that are not printed: they are passed on by hand, to those who need them."""


def children(settings: Settings, ports: Ports) -> tuple[Part | Step, ...]:
    """All parts and steps. They start at once: worker, API and proxy wait for the others."""
    return tuple(_children(settings, ports))


def _children(settings: Settings, ports: Ports) -> Iterator[Part | Step]:
    data = settings.data
    everything = environment(settings, ports, os.environ)
    own = {name: value for name, value in everything.items() if name != ADMIN_TOKEN}
    storeless = {name: value for name, value in own.items() if name != DATABASE_URL}
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    holder = (sys.executable, "-I", "-S", str(HOLDER), LISTENER, str(data.listener_socket))
    yield Part("holder", holder, {}, grace=2.0)
    yield Part(
        temporal.NAME,
        temporal.command(settings, ports),
        bare,
        probe=accepts(temporal.HOST, ports.grpc),
        grace=10.0,
    )
    yield Step("setup", python("store.setup"), everything)
    yield Step(
        "retention",
        temporal.retention_command(ports),
        bare,
        after=(temporal.NAME,),
    )
    yield Part(
        "worker",
        python("worker"),
        own,
        # Without Docker it starts, too, and says so: `/readyz` tells what is missing since.
        probe=answers(data.worker_socket, "/startz"),
        grace=15.0,
    )
    yield Part(temporal.API, python("api"), own, probe=answers(data.api_socket, "/healthz"))
    yield Part(
        "tunnels",
        python("hosts.tunnels"),
        storeless,
        after=("setup",),
        probe=answers(data.tunnels_socket, "/startz"),
    )
    yield Part(
        "proxy",
        (*python("proxy"), "--listen-fd", LISTENER),
        storeless,
        probe=answers(data.proxy_socket, "/readyz"),
        grace=15.0,
    )


def python(module: str) -> tuple[str, ...]:
    """The command of a module of ours; `-P`: the current folder may hold an `api/` of its own."""
    return (sys.executable, "-P", "-m", module)


def environment(settings: Settings, ports: Ports, given: Mapping[str, str]) -> dict[str, str]:
    """What our parts get: our environment, the settings that were made, and this Temporal."""
    chosen = settings.model_dump(mode="json", include=settings.model_fields_set - SECRET)
    made = {
        f"PERDURE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in chosen.items()
        if value is not None
    }
    if settings.admin_token is not None:
        made[ADMIN_TOKEN] = settings.admin_token.get_secret_value()
    if settings.database_url:
        made[DATABASE_URL] = settings.database_url.get_secret_value()
    passed = {name: value for name, value in given.items() if not name.startswith("TEMPORAL_")}
    return {
        **passed,
        **made,
        "PERDURE_DATA_DIR": str(settings.data_dir),
        "PERDURE_UI_PORT": str(ports.ui),
        "PERDURE_TEMPORAL_UI": ports.web_url,
        "PYTHONUNBUFFERED": "1",
        "TEMPORAL_ADDRESS": ports.address,
        "TEMPORAL_NAMESPACE": temporal.NAMESPACE,
        "TEMPORAL_CONFIG_FILE": os.devnull,  # a profile of the user's is for another Temporal
    }
