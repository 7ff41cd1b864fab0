"""Jobs: where a configuration meets its secrets."""

import pytest

from activities.jobs import Jobs
from perdure.errors import NotFound, UnknownSecret
from policy.image import DefaultImage
from spec.deeds import ContainerOrder, Instance, ReplicaStart
from spec.job import Job, RegistryCredentials
from spec.machine import RuntimeKind
from spec.run_spec import RunSpec
from spec.sealed import SealedValues
from store.store import Store
from tests.policy.making import LIFE, spec

DEFAULT = DefaultImage(template="base:py{python}", nvcc_suffix="-devel", pythons=("3.12",))


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return Jobs(store, DEFAULT)


def order(asked: RunSpec) -> ContainerOrder:
    start = ReplicaStart(
        owner="run/main/web",
        project="main",
        run="web",
        incarnation=LIFE,
        num=0,
        deployment=1,
        spec=asked,
    )
    return ContainerOrder(
        instance=Instance(token="t-1", backend="local"), replica="r0", start=start
    )


async def make(jobs: Jobs, asked: RunSpec, runtime: RuntimeKind = RuntimeKind.DOCKER) -> Job:
    return await jobs.make(order(asked), runtime)


def sealed(asked: RunSpec) -> RunSpec:
    return asked.model_copy(update={"sealed": "e-1"})


async def test_secrets_are_filled_in_where_they_are_used(jobs: Jobs, store: Store) -> None:
    await store.secrets.set("main", "KEY", "hunter2")
    values = SealedValues(
        env={"A": "is ${{ secrets.KEY }}", "B": "costs $$5"},
        registry=RegistryCredentials(username="u", password="${{ secrets.KEY }}"),
    )
    await store.envelopes.put("e-1", "main", "web", values)
    job = await make(jobs, sealed(spec()))
    assert (job.env["A"], job.env["B"]) == ("is hunter2", "costs $5")
    assert job.registry == RegistryCredentials(username="u", password="hunter2")
    assert job.labels.server == await store.installation.id()


async def test_a_secret_that_was_deleted_since_is_named(jobs: Jobs, store: Store) -> None:
    values = SealedValues(env={"A": "${{ secrets.GONE }}"})
    await store.envelopes.put("e-1", "main", "web", values)
    with pytest.raises(UnknownSecret, match="GONE"):
        await make(jobs, sealed(spec()))


async def test_values_of_a_run_that_has_ended_are_not_found(jobs: Jobs) -> None:
    with pytest.raises(NotFound):
        await make(jobs, sealed(spec()))


@pytest.mark.parametrize(
    ("properties", "runtime", "image"),
    [
        ({}, RuntimeKind.DOCKER, "base:py3.12"),
        ({"image": "own:1"}, RuntimeKind.DOCKER, "own:1"),
        ({}, RuntimeKind.PROCESS, None),
    ],
)
async def test_the_default_image_is_for_runtimes_with_images(
    jobs: Jobs, properties: dict[str, object], runtime: RuntimeKind, image: str | None
) -> None:
    assert (await make(jobs, spec(**properties), runtime)).image == image
