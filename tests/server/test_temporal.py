"""The embedded Temporal server is started as it was measured to be quick, and keeps its ports."""

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perdure.errors import CannotStart
from perdure.search_attributes import SearchAttribute
from perdure.settings import Settings
from server import temporal
from server.probe import accepts
from server.reservation import Reservations
from server.temporal import Ports
from tests.testbed.deadline import wait_until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data_dir=tmp_path / "data", ui_port=0)
    made.data.create()
    return made


@pytest.fixture
def reserved() -> Iterator[Reservations]:
    with Reservations() as made:
        yield made


@pytest.fixture
def running(settings: Settings, reserved: Reservations) -> Iterator[Ports]:
    ports = temporal.ports(settings, reserved)
    log = (settings.data.logs / "temporal.log").open("wb")
    with log, subprocess.Popen(temporal.command(settings, ports), stdout=log, stderr=log) as server:
        yield ports
        server.terminate()


def asked(ports: Ports, *words: str) -> str:
    command = [temporal.binary(), *words, "--address", ports.address, "--output", "json"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_real_server_takes_our_command(running: Ports, settings: Settings) -> None:
    wait_until(lambda: asyncio.run(accepts(temporal.HOST, running.grpc)()))
    subprocess.run(temporal.retention_command(running), check=True, capture_output=True)
    namespace = json.loads(asked(running, "operator", "namespace", "describe", "-n", "default"))
    assert namespace["config"]["workflowExecutionRetentionTtl"] == "2592000s"
    attributes = asked(running, "operator", "search-attribute", "list")
    assert all(name in attributes for name in SearchAttribute)
    page = httpx.get(running.web_url, follow_redirects=True)
    assert page.status_code == 200
    assert "html" in page.headers["content-type"]
    assert "http://" not in (settings.data.logs / "temporal.log").read_text()
    codec = httpx.get(f"{running.web_url}/api/v1/settings").json()["Codec"]
    assert codec["Endpoint"] == f"http://localhost:{running.ui}/codec"


def test_the_script_for_clusters_makes_the_same_attributes() -> None:
    script = Path(__file__).parents[2] / "deploy" / "temporal" / "namespace.sh"
    assert f"for name in {' '.join(SearchAttribute)}; do" in script.read_text()


def test_ports_are_the_same_after_a_restart(settings: Settings, reserved: Reservations) -> None:
    first = temporal.ports(settings, reserved)
    assert temporal.ports(settings, reserved) == first
    assert len({first.grpc, first.web, first.ui}) == 3


def test_two_servers_that_start_at_once_have_other_ports(
    settings: Settings, reserved: Reservations, tmp_path: Path
) -> None:
    """Neither listens yet. A part that talked to the other's Temporal would do the other's work."""
    beside = Settings(data_dir=tmp_path / "beside", ui_port=0)
    beside.data.create()
    first = temporal.ports(settings, reserved)
    with Reservations() as others:
        second = temporal.ports(beside, others)
        assert not {first.grpc, first.web, first.ui} & {second.grpc, second.web, second.ui}


def test_a_port_stays_ours_while_nobody_listens_on_it(reserved: Reservations) -> None:
    with Reservations() as others:
        assert reserved.take(1)
        assert not others.take(1)
        reserved.release(1)
        assert others.take(1)


def test_a_port_that_is_in_use_by_now_is_replaced(
    settings: Settings, reserved: Reservations
) -> None:
    first = temporal.ports(settings, reserved)
    with socket.create_server((temporal.HOST, first.grpc)):
        assert temporal.ports(settings, reserved).grpc != first.grpc


def test_a_port_of_the_ui_that_was_asked_for_and_is_in_use_is_refused(
    settings: Settings, reserved: Reservations
) -> None:
    with socket.create_server((temporal.HOST, 0)) as other:
        port = other.getsockname()[1]
        asked_for = settings.model_copy(update={"ui_port": port})
        with pytest.raises(CannotStart, match=f"Port {port}, for Temporal's web UI") as refused:
            temporal.ports(asked_for, reserved)
    assert "PERDURE_UI_PORT" in refused.value.hint


def test_a_damaged_record_of_the_ports_is_written_anew(
    settings: Settings, reserved: Reservations
) -> None:
    settings.data.temporal_ports.write_text('{"grpc": 1')
    ports = temporal.ports(settings, reserved)
    assert json.loads(settings.data.temporal_ports.read_text())["grpc"] == ports.grpc
