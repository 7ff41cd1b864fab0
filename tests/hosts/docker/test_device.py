"""What only some machines give: GPUs, and the whole machine."""

from collections.abc import Iterator

import pytest

from hosts.docker import DockerRuntime
from spec.job import JobMount
from tests.hosts.docker.jobs import job, output, shell
from tests.testbed import rootfs
from tests.testbed.engine import RUNTIME, Engine
from tests.testbed.fixtures import DOCKER_IMAGE, import_image


@pytest.fixture(scope="module")
def docker_image(engine: Engine) -> Iterator[str]:
    """An image with Docker inside; its data is on a volume, not on a file system over another."""
    import_image(engine, DOCKER_IMAGE, rootfs.docker_tar(), "VOLUME /var/lib/docker")
    yield DOCKER_IMAGE
    engine.docker("rmi", DOCKER_IMAGE)


async def test_a_job_sees_the_gpus_it_was_given(runtime: DockerRuntime, token: str) -> None:
    script = "echo $NVIDIA_VISIBLE_DEVICES"
    assert await output(runtime, shell(token, script, gpus=("GPU-0a", "GPU-3b"))) == "GPU-0a,GPU-3b"


async def test_a_job_without_gpus_sees_none(runtime: DockerRuntime, token: str) -> None:
    assert await output(runtime, shell(token, "echo -$NVIDIA_VISIBLE_DEVICES")) == "-"


async def test_a_privileged_job_may_mount(runtime: DockerRuntime, token: str) -> None:
    script = "python3 -c \"import os; print(os.access('/dev/kmsg', os.R_OK))\""
    assert await output(runtime, shell(f"{token}a", script, privileged=True)) == "True"
    assert await output(runtime, shell(f"{token}b", script)) == "False"


async def test_a_privileged_job_runs_docker_inside(
    runtime: DockerRuntime, docker_image: str, token: str
) -> None:
    script = """
    dockerd --add-runtime test=/runtime.sh --default-runtime test > /log 2>&1 &
    until docker version > /dev/null 2>&1; do sleep 0.1; kill -0 $! || { cat /log; exit 1; }; done
    cp /usr/bin/tini-static /tini && tar -c -C / tini | docker import - inner > /dev/null
    docker run --rm --network none inner /tini --version
    """
    mounts = (JobMount(instance_path=str(RUNTIME), path="/runtime.sh"),)
    inside = job(token, "bash", "-c", script, image=docker_image, privileged=True, mounts=mounts)
    assert (await output(runtime, inside)).startswith("tini version")
