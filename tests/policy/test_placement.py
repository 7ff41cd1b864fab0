"""Which offers fit, why the others do not, and which GPUs are taken."""

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.placement import (
    chosen_gpus,
    distance,
    fitting_gpus,
    misfits,
    placement_of,
    ranked,
    unmet_defaults,
    untried,
)
from spec.machine import Gpu, GpuVendor, RuntimeKind
from spec.offer import Offer
from spec.ranges import CountRange, SizeRange
from spec.resources import Resources
from tests.policy.making import gpu, offer, query, resources

A100S = tuple(gpu(number) for number in range(4))


@pytest.mark.parametrize(
    ("asked", "given_offer", "reason"),
    [
        ({}, {}, None),
        ({"backends": ["local", "aws"]}, {}, None),
        ({"backends": ["aws"]}, {}, "`backends` does not include `local`"),
        ({"regions": ["EU-1"]}, {}, None),
        ({"regions": ["us-1"]}, {}, "`regions` does not include `eu-1`"),
        ({"availability_zones": ["eu-1a"]}, {"zone": "eu-1a"}, None),
        ({"availability_zones": ["eu-1a"]}, {}, "`availability_zones` does not include `-`"),
        ({"instance_types": ["M4"]}, {}, None),
        ({"instance_types": ["x1"]}, {}, "`instance_types` does not include `m4`"),
        ({}, {"spot": True}, "`spot_policy: on-demand` excludes spot instances"),
        ({"spot_policy": "spot"}, {"spot": True}, None),
        ({"spot_policy": "spot"}, {}, "asks for spot instances, and this is none"),
        ({"spot_policy": "auto"}, {"spot": True}, None),
        ({"max_price": 0.5}, {}, None),
        ({"max_price": 0.4}, {}, "it costs $0.50 an hour, `max_price` is $0.40"),
        ({"max_price": 9}, {"price": None}, "its price is unknown, and `max_price` is set"),
        ({}, {"price": None}, None),
        ({"resources": {"cpu": 8}}, {}, "`cpu: 8` is asked for, it has 4 x86"),
        ({"resources": {"cpu": "1..2"}}, {}, None),
        ({"resources": {"cpu": "arm:2"}}, {}, "`cpu: arm:2` is asked for, it has 4 x86"),
        ({"resources": {"cpu": "arm:2"}}, {"cpu_arch": "arm"}, None),
        ({"resources": {"memory": "32GB.."}}, {}, "`memory: 32GB..` is asked for, it has 16.0GB"),
        ({"resources": {"disk": "300GB"}}, {}, "`disk: 300GB` is asked for, it has 200.0GB"),
        ({"resources": {"disk": None}}, {"disk": 1}, None),
        ({"resources": {"gpu": 0}}, {}, None),
        ({"resources": {"gpu": 1}}, {}, "`gpu: 1` is asked for, it has no GPU free"),
        ({"resources": {"gpu": "a100:2"}}, {"gpus": A100S}, None),
        (
            {"resources": {"gpu": "H100"}},
            {"gpus": A100S[:1]},
            "`gpu: H100:1` is asked for, it has A100:80GB free",
        ),
        ({"resources": {"gpu": "A100:8"}}, {"gpus": A100S}, "`gpu: A100:8` is asked for"),
    ],
)
def test_an_offer_fits_or_the_reason_is_told(
    asked: dict[str, Any], given_offer: dict[str, object], reason: str | None
) -> None:
    found = misfits(query(**asked), offer(**given_offer))
    assert [reason in misfit.reason for misfit in found if reason] == [True] * len(found)
    assert len(found) == (reason is not None)


def test_defaults_choose_cloud_machines_and_only_warn_on_ones_own() -> None:
    small = offer(cpus=1, memory=4, disk=10)
    assert misfits(query(), small) == (
        ("cpu", "`cpu: 2..` is asked for, it has 1 x86", 0.5),
        ("memory", "`memory: 8GB..` is asked for, it has 4.0GB", 0.5),
        ("disk", "`disk: 100GB..` is asked for, it has 10.0GB", 0.9),
    )
    assert misfits(query(), small, enforce_defaults=False) == ()
    assert unmet_defaults(query(), small) == (
        "The default `cpu: 2..` is more than this machine has (1 x86).",
        "The default `memory: 8GB..` is more than this machine has (4.0GB).",
        "The default `disk: 100GB..` is more than this machine has (10.0GB).",
    )


def test_what_the_user_wrote_is_enforced_everywhere() -> None:
    asked = query(resources={"memory": "8GB.."}, requested=("memory",))
    found = misfits(asked, offer(memory=4), enforce_defaults=False)
    assert found == (("memory", "`memory: 8GB..` is asked for, it has 4.0GB", 0.5),)
    assert unmet_defaults(asked, offer(memory=4)) == ()


@pytest.mark.parametrize(
    ("asked", "nearer", "farther"),
    [
        ({"max_price": 1}, {"price": 2}, {"price": 9}),
        ({"resources": {"cpu": 8}}, {"cpus": 6}, {"cpus": 4}),
        ({"resources": {"gpu": "A100:4"}}, {"gpus": A100S[:3]}, {"gpus": A100S[:1]}),
        (
            {"resources": {"gpu": {"count": 2, "total_memory": "320GB"}}},
            {"gpus": A100S[:2]},
            {"gpus": A100S[:1]},
        ),
        ({"resources": {"cpu": 8}}, {"cpus": 1}, {"cpus": 7, "memory": 7}),
    ],
)
def test_of_two_offers_that_do_not_fit_one_comes_closer(
    asked: dict[str, Any], nearer: dict[str, object], farther: dict[str, object]
) -> None:
    near, far = (misfits(query(**asked), offer(**values)) for values in (nearer, farther))
    assert (0, 0) < distance(near) < distance(far)


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"name": ["L4", "A100"]}, True),
        ({"name": "H100"}, False),
        ({"vendor": "nvidia"}, True),
        ({"vendor": "amd"}, False),
        ({"memory": "40GB.."}, True),
        ({"memory": "40GB"}, False),
        ({"compute_capability": "8.0"}, True),
        ({"compute_capability": "8.6"}, False),
        ({"total_memory": "320GB..", "count": "1.."}, True),
        ({"total_memory": "100GB"}, False),
        ({"count": "2..3"}, True),
    ],
)
def test_gpus_fit_by_each_of_their_properties(asked: dict[str, object], fits: bool) -> None:
    assert (chosen_gpus(resources(gpu=asked), A100S) is not None) is fits


def test_the_fewest_gpus_are_taken_that_have_the_memory() -> None:
    asked = resources(gpu={"count": "1..", "total_memory": "150GB.."})
    assert chosen_gpus(asked, A100S) == A100S[:2]


def test_a_request_without_gpus_takes_none() -> None:
    for asked in (resources(), resources(gpu=0), resources(gpu="0..2")):
        assert chosen_gpus(asked, A100S) == ()


def test_only_fitting_gpus_are_offered_and_paid_for() -> None:
    mixed = (gpu(0, name="L4", memory=24), gpu(1), gpu(2))
    asked = resources(gpu="A100")
    assert fitting_gpus(asked, mixed) == mixed[1:]
    assert placement_of(offer(gpus=mixed), asked).resources == "4xCPU, 16GB, A100:80GB:1"
    assert placement_of(offer(gpus=mixed), resources()).resources == "4xCPU, 16GB"


@pytest.mark.parametrize("runtime", list(RuntimeKind))
def test_only_plain_processes_have_no_room_beside_them(runtime: RuntimeKind) -> None:
    place = placement_of(offer(runtime=runtime), resources())
    assert place.exclusive is (runtime is RuntimeKind.PROCESS)


def test_an_offer_is_tried_again_only_where_it_has_other_gpus_to_give() -> None:
    asked = resources(gpu="A100")
    machine = offer(gpus=A100S)
    smaller = offer(gpus=A100S[1:], disk=100)
    assert untried([machine, offer(zone="b")], [machine], asked) == (offer(zone="b"),)
    assert untried([smaller], [machine], asked) == (smaller,)
    assert untried([offer(gpus=A100S[:1])], [machine], asked) == ()
    assert untried([offer(disk=1)], [offer()], resources()) == ()


def test_each_kind_of_gpu_is_told_once() -> None:
    mixed = (gpu(0, name="L4", memory=24), gpu(1), gpu(2))
    assert offer(memory=15.6, gpus=mixed).resources == "4xCPU, 16GB, L4:24GB:1, A100:80GB:2"


def _asked(name: list[str] | None, low: int, more: int, total: int) -> Resources:
    count = CountRange(min=low, max=low + more)
    memory = SizeRange(min=total) if total else None
    return Resources.model_validate({"gpu": {"name": name, "count": count, "total_memory": memory}})


requests = st.builds(
    _asked,
    st.sampled_from([None, ["A100"], ["L4", "A100"]]),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from([0, 80, 100, 240]),
)
alike = st.builds(
    lambda name, count: tuple(gpu(number, name=name) for number in range(count)),
    st.sampled_from(["A100", "L4", "H100"]),
    st.integers(0, 6),
)


@given(requests, alike)
def test_the_choice_is_as_small_as_any_that_satisfies(
    asked: Resources, free: tuple[Gpu, ...]
) -> None:
    request = asked.gpu
    assert request is not None

    def satisfies(taken: tuple[Gpu, ...]) -> bool:
        total = sum(each.memory for each in taken)
        named = all(request.name is None or each.name in request.name for each in taken)
        enough = request.total_memory is None or request.total_memory.holds(total)
        return named and enough and request.count.holds(len(taken))

    sizes = [
        size
        for size in range(1, len(free) + 1)
        if any(satisfies(taken) for taken in combinations(free, size))
    ]
    chosen = chosen_gpus(asked, free)
    assert (None if chosen is None else len(chosen)) == min(sizes, default=None)
    assert chosen is None or (satisfies(chosen) and set(chosen) <= set(free))


offers = st.builds(
    offer,
    region=st.sampled_from(["a", "b", "c"]),
    price=st.none() | st.floats(0, 100),
    available=st.booleans(),
)


@given(st.lists(offers, max_size=8))
def test_available_offers_come_first_then_cheap_ones_then_unknown_prices(
    found: list[Offer],
) -> None:
    order = ranked(found)
    assert sorted(map(str, order)) == sorted(map(str, found))
    for better, worse in pairwise(order):
        assert better.available >= worse.available
        if better.available == worse.available:
            assert better.price is not None or worse.price is None
            assert worse.price is None or (better.price or 0) <= worse.price


def test_a_vendor_is_meant_by_the_names() -> None:
    amd = gpu(name="MI300X", vendor=GpuVendor.AMD, memory=192)
    assert fitting_gpus(resources(gpu="MI300X"), (amd, gpu(1))) == (amd,)
