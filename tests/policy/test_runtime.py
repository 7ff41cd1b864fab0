"""What plain processes and containers cannot honour is refused by name, with the reason."""

from typing import Any

import pytest

from policy.image import DefaultImage
from policy.runtime import runtime_refusals
from spec.machine import RuntimeFacts, RuntimeKind
from spec.offer import Refusal, RefusalKind
from spec.run_spec import CodeArchive, Repository, RunSpec
from tests.policy.making import spec

IMAGE = DefaultImage(template="base:py{python}", nvcc_suffix="-devel", pythons=("3.12",))
FACTS = RuntimeFacts(pythons=("3.9", "3.12"), first_port=1024)
SUFFIX = "is not possible in the process runtime"


def refused(
    asked: RunSpec, kind: RuntimeKind = RuntimeKind.PROCESS, facts: RuntimeFacts = FACTS
) -> tuple[Refusal, ...]:
    return runtime_refusals(asked, kind, facts, IMAGE)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"python": "3.9"},
        {"working_dir": "app"},
        {"working_dir": "/workflow/app/.."},
        {"port": 1024},
        {"volumes": [{"instance_path": "/data", "path": "/data", "optional": True}]},
        {"commands": ["--all"], "entrypoint": "serve"},
        {"resources": {"memory": "1GB"}},
    ],
)
def test_a_process_can_have_what_needs_no_container(asked: dict[str, Any]) -> None:
    assert refused(spec(**asked)) == ()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"image": "python"}, f"`image` {SUFFIX}: there are no images without Docker."),
        (
            {"registry_auth": {"username": "a", "password": "b"}},
            f"`registry_auth` {SUFFIX}: there are no images without Docker.",
        ),
        (
            {"privileged": True},
            f"`privileged` {SUFFIX}: there is no container that could have privileges.",
        ),
        ({"user": "app"}, f"`user` {SUFFIX}: each replica runs under an account of its own."),
        (
            {"resources": {"shm_size": "1GB"}},
            f"`shm_size` {SUFFIX}: `/dev/shm` is the machine's own.",
        ),
        ({"nvcc": True}, f"`nvcc` {SUFFIX}: CUDA's compiler comes with the default image."),
        (
            {"volumes": ["/data:/data"]},
            f"`volumes` {SUFFIX}: nothing can be mounted without a container.",
        ),
        (
            {"working_dir": "../elsewhere"},
            f"`working_dir` {SUFFIX} outside of the code: `/elsewhere`.",
        ),
        (
            {"working_dir": "/workflow/../elsewhere"},
            f"`working_dir` {SUFFIX} outside of the code: `/elsewhere`.",
        ),
        (
            {"working_dir": "/workflow2"},
            f"`working_dir` {SUFFIX} outside of the code: `/workflow2`.",
        ),
        (
            {"working_dir": "/workflow/" + "a" * 256},
            "`working_dir` is not possible: no folder can have a name with a null byte, or of more "
            "than 255 bytes.",
        ),
        ({"port": 1023}, f"`port` 1023 {SUFFIX}: ports below 1024 are for root."),
        (
            {"python": "3.14"},
            "`python: 3.14` is not installed here for a replica's use. Available: 3.12, 3.9. "
            "Install it for all users, or use Docker.",
        ),
    ],
)
def test_a_process_is_refused_what_it_cannot_have(asked: dict[str, Any], message: str) -> None:
    subject = "shm_size" if "resources" in asked else next(iter(asked))
    assert refused(spec(**asked)) == (
        Refusal(kind=RefusalKind.UNSUPPORTED, subject=subject, message=message),
    )


def test_without_commands_only_an_image_could_say_what_to_run() -> None:
    image, commands = refused(spec(image="nginx", commands=[]))
    assert "`image`" in image.message
    assert commands.message == f"`commands` {SUFFIX}: there is nothing to run."


def test_credentials_in_the_store_are_credentials() -> None:
    sealed = spec().model_copy(update={"digests": {"registry_auth": "ab"}})
    (found,) = refused(sealed)
    assert "`registry_auth`" in found.message


def test_where_the_user_stood_cannot_lead_out_of_the_code() -> None:
    code = CodeArchive(sha256="ab" * 32, size=1)
    update = {"code": code, "repository": Repository(id="r", working_dir="../../etc")}
    (found,) = refused(spec().model_copy(update=update))
    assert found.message == f"`working_dir` {SUFFIX} outside of the code: `/etc`."


def test_replicas_of_one_machine_would_share_a_port() -> None:
    (found,) = refused(spec(replicas=2))
    assert found.subject == "replicas"
    assert f"`replicas: 2` {SUFFIX}" in found.message
    assert refused(spec(replicas=2), RuntimeKind.DOCKER) == ()


def test_without_any_python_nothing_runs() -> None:
    (found,) = refused(spec(), facts=RuntimeFacts())
    assert "There is no Python on this machine" in found.message
    assert "Available: none." in found.message


def test_all_is_told_at_once() -> None:
    found = refused(spec(image="a", privileged=True, port=80))
    assert [each.message.split("`")[1] for each in found] == ["image", "privileged", "port"]


def test_containers_can_have_all_but_a_python_without_an_image() -> None:
    assert refused(spec(privileged=True, user="app", port=80), RuntimeKind.DOCKER) == ()
    (found,) = refused(spec(python="3.14"), RuntimeKind.DOCKER)
    assert found.subject == "python"
