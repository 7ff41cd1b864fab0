"""A replica's job: its environment, its limits, its folders."""

import pytest

from policy.job import make_job
from spec.deeds import ContainerOrder, Instance, ReplicaStart
from spec.job import Job, JobMount, RegistryCredentials
from spec.run_spec import CodeArchive, Repository, RunSpec
from spec.sealed import SealedValues
from tests.policy.making import LIFE, spec

CODE = CodeArchive(sha256="ab" * 32, size=10)


def job(asked: RunSpec, values: SealedValues | None = None, gpus: tuple[str, ...] = ()) -> Job:
    start = ReplicaStart(
        owner="run/main/web",
        project="main",
        run="web",
        incarnation=LIFE,
        num=2,
        deployment=1,
        spec=asked,
    )
    instance = Instance(token="t-1", backend="local", gpus=gpus)
    order = ContainerOrder(instance=instance, replica="r2", start=start)
    return make_job(order, values or SealedValues(), server="s-1", image="app:1", run_uuid="u-1")


def test_every_application_finds_these_variables() -> None:
    asked = spec().model_copy(
        update={"code": CODE, "repository": Repository(id="repo-1", working_dir="web")}
    )
    assert job(asked, gpus=("GPU-1", "GPU-2")).env == {
        "DSTACK_RUN_ID": "u-1",
        "DSTACK_JOB_ID": "t-1",
        "DSTACK_RUN_NAME": "web",
        "DSTACK_REPO_ID": "repo-1",
        "DSTACK_REPO_DIR": "/workflow",
        "DSTACK_WORKING_DIR": "/workflow/web",
        "DSTACK_GPUS_NUM": "2",
        "DSTACK_GPUS_PER_NODE": "2",
        "DSTACK_NODES_NUM": "1",
        "DSTACK_NODE_RANK": "0",
        "DSTACK_NODES_IPS": "127.0.0.1",
        "DSTACK_MASTER_NODE_IP": "127.0.0.1",
        "DSTACK_REPLICA_NUM": "2",
    }


def test_the_users_variables_win_over_ours() -> None:
    made = job(spec(), SealedValues(env={"DSTACK_RUN_NAME": "mine", "A": "b"}))
    assert (made.env["DSTACK_RUN_NAME"], made.env["A"]) == ("mine", "b")
    assert made.env["DSTACK_REPLICA_NUM"] == "2"


@pytest.mark.parametrize(
    ("resources", "cpu", "memory", "shm"),
    [
        ({}, None, None, None),
        ({"cpu": 2, "memory": "8GB", "shm_size": "1GB"}, 2, 8, 1),
        ({"cpu": "1..4", "memory": "4GB..8GB"}, 4, 8, None),
        ({"cpu": "..4", "memory": "..8GB"}, 4, 8, None),
        ({"cpu": "2..", "memory": "4GB.."}, None, None, None),
    ],
)
def test_an_exact_value_or_a_maximum_is_a_limit_and_an_open_range_is_none(
    resources: dict[str, object], cpu: float | None, memory: float | None, shm: float | None
) -> None:
    made = job(spec(resources=resources))
    assert (made.cpu_limit, made.memory_limit, made.shm_size) == (cpu, memory, shm)


@pytest.mark.parametrize(
    ("wish", "code", "below", "expected"),
    [
        (None, None, ".", None),
        (None, CODE, ".", "/workflow"),
        (None, CODE, "a/b", "/workflow/a/b"),
        ("src", None, ".", "/workflow/src"),
        ("src/../lib", CODE, "a", "/workflow/lib"),
        ("/app", CODE, "a", "/app"),
    ],
)
def test_the_working_folder_is_the_wish_the_codes_or_the_images(
    wish: str | None, code: CodeArchive | None, below: str, expected: str | None
) -> None:
    asked = spec(working_dir=wish).model_copy(
        update={"code": code, "repository": Repository(id="r", working_dir=below)}
    )
    made = job(asked)
    assert made.working_dir == expected
    assert made.env["DSTACK_WORKING_DIR"] == (expected or "/workflow")


def test_what_the_configuration_says_of_the_container_is_passed_on() -> None:
    registry = RegistryCredentials(username="u", password="p")
    asked = spec(
        port=9000,
        user="app:app",
        privileged=True,
        python="3.11",
        nvcc=True,
        volumes=["/host:/data", {"instance_path": "/c", "path": "/d", "optional": True}],
    )
    made = job(asked, SealedValues(registry=registry), gpus=("GPU-7",))
    assert (made.token, made.image, made.registry) == ("t-1", "app:1", registry)
    assert (made.port, made.user, made.privileged) == (9000, "app:app", True)
    assert (made.python, made.nvcc, made.gpus, made.code) == ("3.11", True, ("GPU-7",), None)
    assert made.mounts == (
        JobMount(instance_path="/host", path="/data"),
        JobMount(instance_path="/c", path="/d", optional=True),
    )
    assert made.labels.model_dump() == {
        "server": "s-1",
        "project": "main",
        "run": "web",
        "replica": "r2",
    }


def test_secrets_are_not_printed_with_a_job() -> None:
    registry = RegistryCredentials(username="u", password="hunter2")
    made = job(spec(), SealedValues(env={"A": "hunter2"}, registry=registry))
    assert "hunter2" not in repr(made)
