"""What each file of the documentation is told, on machines without and with GPUs."""

from pathlib import Path

import pytest

import tests.spec
from spec.machine import Gpu
from spec.offer import RefusalKind
from spec.plan import PlanAction
from tests.plans.conftest import Planner
from tests.plans.machine import NO_GPU, gpus

FOLDER = Path(tests.spec.__file__).with_name("seed")

A10G = gpus("A10G", 24)
TWO_A100 = gpus("A100", 80, count=2)
MACHINES = {"no GPU": NO_GPU, "A10G": A10G, "2 A100": TWO_A100}

WITHOUT_GPU = "32xCPU, 128GB"
WITH_A10G = "32xCPU, 128GB, A10G:24GB:1"
WITH_TWO_A100 = "32xCPU, 128GB, A100:80GB:2"

NONE_FREE = "it has no GPU free"
ONE_A10G_FREE = "it has A10G:24GB free"
TWO_A100_FREE = "it has A100:80GB, A100:80GB free"


def unfit(asked: str, has: str) -> tuple[str, str]:
    """Backend and reason of the refusal when the machine lacks a GPU."""
    return "local", f"`local/local` does not fit: `gpu: {asked}` is asked for, {has}."


# File, machine: the offer, or subject and message of the only refusal.
PLANS: dict[tuple[str, str], str | tuple[str, str]] = {
    ("authorization", "no GPU"): WITHOUT_GPU,
    ("authorization", "A10G"): WITHOUT_GPU,
    ("authorization", "2 A100"): WITHOUT_GPU,
    ("docker", "no GPU"): WITHOUT_GPU,
    ("docker", "A10G"): WITHOUT_GPU,
    ("docker", "2 A100"): WITHOUT_GPU,
    ("environment", "no GPU"): unfit("24GB:1", NONE_FREE),
    ("environment", "A10G"): WITH_A10G,
    ("environment", "2 A100"): unfit("24GB:1", TWO_A100_FREE),
    ("llama", "no GPU"): unfit("24GB:1", NONE_FREE),
    ("llama", "A10G"): WITH_A10G,
    ("llama", "2 A100"): unfit("24GB:1", TWO_A100_FREE),
    ("nvcc", "no GPU"): WITHOUT_GPU,
    ("nvcc", "A10G"): WITHOUT_GPU,
    ("nvcc", "2 A100"): WITHOUT_GPU,
    ("python", "no GPU"): WITHOUT_GPU,
    ("python", "A10G"): WITHOUT_GPU,
    ("python", "2 A100"): WITHOUT_GPU,
    ("registry", "no GPU"): WITHOUT_GPU,
    ("registry", "A10G"): WITHOUT_GPU,
    ("registry", "2 A100"): WITHOUT_GPU,
    ("replicas", "no GPU"): unfit("24GB:1", NONE_FREE),
    ("replicas", "A10G"): WITH_A10G,
    ("replicas", "2 A100"): unfit("24GB:1", TWO_A100_FREE),
    ("resources", "no GPU"): unfit("80GB:2", NONE_FREE),
    ("resources", "A10G"): unfit("80GB:2", ONE_A10G_FREE),
    ("resources", "2 A100"): WITH_TWO_A100,
    ("tpu", "no GPU"): unfit("v5litepod-4:1", NONE_FREE),
    ("tpu", "A10G"): unfit("v5litepod-4:1", ONE_A10G_FREE),
    ("tpu", "2 A100"): unfit("v5litepod-4:1", TWO_A100_FREE),
}


def test_the_table_has_each_file_on_each_machine() -> None:
    files = [file.name.removesuffix(".dstack.yml") for file in FOLDER.glob("*.dstack.yml")]
    assert set(PLANS) == {(file, machine) for file in files for machine in MACHINES}


@pytest.mark.parametrize(("file", "machine"), PLANS)
async def test_a_file_is_offered_the_machine_or_told_why_not(
    plan: Planner, file: str, machine: str
) -> None:
    text = (FOLDER / f"{file}.dstack.yml").read_text()
    made = await plan(text, MACHINES[machine])
    offers = [(offer.place, offer.resources, offer.price) for offer in made.offers]
    refusals = [(refusal.subject, refusal.message) for refusal in made.refusals]
    expected = PLANS[file, machine]
    if isinstance(expected, str):
        assert (offers, refusals) == ([("local/local", expected, 0.0)], [])
    else:
        assert (offers, refusals) == ([], [expected])
        assert {refusal.kind for refusal in made.refusals} == {RefusalKind.CAPACITY}
    assert made.warnings == ()
    assert made.action is PlanAction.CREATE


RULES: list[tuple[str, tuple[Gpu, ...], str, str]] = [
    (
        "resources: {gpu: amd}",
        NO_GPU,
        "image",
        "`gpu: amd:1` needs an `image`: the default image has no software for AMD.",
    ),
    (
        "resources: {cpu: arm:2}",
        A10G,
        "image",
        "`cpu: arm:2` needs an `image`: the default image is for x86 only.",
    ),
    (
        "resources: {gpu: v5litepod-16}",
        NO_GPU,
        "gpu",
        "Currently, only 8 TPU cores can be specified, supporting single TPU device workloads.",
    ),
    ("python: 3.14", NO_GPU, "python", "There is no default image for Python 3.14."),
    ('python: "3.15"', NO_GPU, "python", "There is no default image for Python 3.15."),
    (
        "resources: {disk: 600GB}",
        NO_GPU,
        "local",
        "`local/local` does not fit: `disk: 600GB` is asked for, it has 500.0GB.",
    ),
]


@pytest.mark.parametrize(("line", "machine", "subject", "message"), RULES)
async def test_what_cannot_be_is_refused_by_the_plan(
    plan: Planner, line: str, machine: tuple[Gpu, ...], subject: str, message: str
) -> None:
    made = await plan(f"type: service\nport: 80\ncommands: [serve]\n{line}\n", machine)
    (refusal,) = made.refusals
    assert (refusal.subject, refusal.message) == (subject, message)
    of_the_machine = subject == "local"
    assert refusal.kind is (RefusalKind.CAPACITY if of_the_machine else RefusalKind.UNSUPPORTED)
    assert refusal.hint or of_the_machine
