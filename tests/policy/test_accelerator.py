"""Which processors are refused whatever is offered."""

import pytest

from policy.accelerator import accelerator_refusals
from policy.admission import refusals
from tests.policy.making import service

TPU_REFUSAL = (
    "Currently, only 8 TPU cores can be specified, supporting single TPU device workloads."
)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (
            {"gpu": "amd"},
            "`gpu: amd:1` needs an `image`: the default image has no software for AMD.",
        ),
        (
            {"gpu": "MI300X:8"},
            "`gpu: MI300X:8` needs an `image`: the default image has no software for AMD.",
        ),
        (
            {"gpu": "intel:2"},
            "`gpu: intel:2` needs an `image`: the default image has no software for Intel.",
        ),
        (
            {"gpu": "n150"},
            "`gpu: n150:1` needs an `image`: the default image has no software for Tenstorrent.",
        ),
        (
            {"cpu": "arm:4"},
            "`cpu: arm:4` needs an `image`: the default image is for x86 only.",
        ),
    ],
)
def test_what_the_default_image_does_not_serve_needs_an_image(
    resources: dict[str, object], message: str
) -> None:
    (refusal,) = refusals(service(resources=resources))
    assert (refusal.subject, refusal.message) == ("image", message)
    assert refusal.hint
    assert refusals(service(resources=resources, image="own:1")) == ()


@pytest.mark.parametrize("name", ["v5litepod-16", "v2-32", "v6e-256", "tpu-v3-128", "v2-8,v3-32"])
def test_a_tpu_of_several_hosts_is_refused(name: str) -> None:
    (refusal,) = refusals(service(resources={"gpu": name}, image="own:1"))
    assert (refusal.subject, refusal.message) == ("gpu", TPU_REFUSAL)


@pytest.mark.parametrize(
    "resources",
    [
        {},
        {"gpu": "24GB"},
        {"gpu": "A100:2"},
        {"gpu": "v5litepod-8"},
        {"gpu": "tpu"},
        {"gpu": "A100,MI300X"},
        {"gpu": "amd:0"},
        {"cpu": "x86:4"},
    ],
)
def test_all_others_are_left_to_the_offers(resources: dict[str, object]) -> None:
    assert accelerator_refusals(service(resources=resources)) == ()
