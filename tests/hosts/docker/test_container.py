"""A job in Docker's words, and Docker's answer in ours."""

from ipaddress import IPv4Address
from typing import Any

import pytest

from hosts.docker.container import GIB, Place, create_body, job_state, variables
from spec.job import JobMount, JobPhase, JobState
from tests.hosts.docker.jobs import job

PLACE = Place(network="perdure-s", address=IPv4Address("10.0.0.7"))


def host_config(**more: Any) -> dict[str, Any]:
    return dict(create_body(job("t", **more), PLACE)["HostConfig"])


def test_a_container_says_whose_it_is() -> None:
    assert create_body(job("t"), PLACE)["Labels"] == {
        "perdure.server": "server-1",
        "perdure.project": "main",
        "perdure.run": "llama",
        "perdure.replica": "0",
        "perdure.token": "t",
        "perdure.port": "8000",
    }


def test_the_address_is_ours_to_choose() -> None:
    body = create_body(job("t"), PLACE)
    assert body["HostConfig"]["NetworkMode"] == "perdure-s"
    assert body["NetworkingConfig"]["EndpointsConfig"] == {
        "perdure-s": {"IPAMConfig": {"IPv4Address": "10.0.0.7"}}
    }


@pytest.mark.parametrize("key", ["Entrypoint", "Cmd", "User", "WorkingDir"])
def test_what_the_job_leaves_open_is_the_image_s(key: str) -> None:
    assert key not in create_body(job("t"), PLACE)


def test_an_empty_entrypoint_is_none_at_all() -> None:
    assert create_body(job("t", entrypoint=()), PLACE)["Entrypoint"] == []


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("cpu_limit", 0.5, {"NanoCpus": 500_000_000}),
        ("memory_limit", 1.5, {"Memory": 3 * GIB // 2, "MemorySwap": 3 * GIB // 2}),
        ("shm_size", 16.0, {"ShmSize": 16 * GIB}),
        ("privileged", True, {"Privileged": True}),
        (
            "gpus",
            ("GPU-a", "GPU-b"),
            {"DeviceRequests": [{"DeviceIDs": ["GPU-a", "GPU-b"], "Capabilities": [["gpu"]]}]},
        ),
    ],
)
def test_limits_and_devices(field: str, value: object, expected: dict[str, object]) -> None:
    assert host_config(**{field: value}).items() >= expected.items()


@pytest.mark.parametrize("key", ["NanoCpus", "Memory", "ShmSize", "DeviceRequests"])
def test_no_limit_unless_asked(key: str) -> None:
    assert key not in host_config()


def test_signals_reach_the_application_and_logs_are_rotated() -> None:
    config = host_config()
    assert config["Init"] is True
    assert config["RestartPolicy"] == {"Name": "no"}
    assert config["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "256m", "max-file": "4"},
    }


def test_a_volume_is_bound_and_a_missing_optional_one_is_left_out() -> None:
    mounts = (
        JobMount(instance_path="/data", path="/d"),
        JobMount(instance_path="/here", path="/h", optional=True),
        JobMount(instance_path="/gone", path="/g", optional=True),
    )
    place = PLACE.model_copy(update={"missing": frozenset({"/gone"})})
    config = create_body(job("t", mounts=mounts), place)["HostConfig"]
    assert config["Binds"] == ["/data:/d"]
    assert config["Mounts"] == [{"Type": "bind", "Source": "/here", "Target": "/h"}]


@pytest.mark.parametrize(
    ("env", "image_env", "expected"),
    [
        ({}, (), "1"),
        ({"PYTHONUNBUFFERED": ""}, (), ""),
        ({}, ("PYTHONUNBUFFERED=0",), None),
        ({}, ("PYTHONUNBUFFERED_X=0",), "1"),
    ],
)
def test_python_writes_at_once_unless_decided_otherwise(
    env: dict[str, str], image_env: tuple[str, ...], expected: str | None
) -> None:
    given = dict(one.split("=", 1) for one in variables(env, image_env))
    assert given.get("PYTHONUNBUFFERED") == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("created", JobState(phase=JobPhase.CREATED)),
        ("running", JobState(phase=JobPhase.RUNNING, address="tcp://10.0.0.7:8000")),
        ("paused", JobState(phase=JobPhase.RUNNING, address="tcp://10.0.0.7:8000")),
        ("exited", JobState(phase=JobPhase.EXITED, exit_code=137, out_of_memory=True)),
        ("dead", JobState(phase=JobPhase.EXITED, exit_code=137, out_of_memory=True)),
    ],
)
def test_the_phase_of_a_container(status: str, expected: JobState) -> None:
    container = {
        "State": {"Status": status, "ExitCode": 137, "OOMKilled": True},
        "Config": {"Labels": {"perdure.port": "8000"}},
        "NetworkSettings": {"Networks": {"perdure-s": {"IPAddress": "10.0.0.7"}}},
    }
    assert job_state(container) == expected
