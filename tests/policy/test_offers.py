"""What a search comes to: the best offers, each reason once, no more than a history bears."""

import pytest

from policy.image import DefaultImage
from policy.offers import KEPT, NO_ISOLATION, ONE_PORT, Found, judge
from policy.plan import make_plan
from spec.machine import RuntimeFacts, RuntimeKind
from spec.offer import Offer, OfferList, OfferQuery, Refusal, RefusalKind
from spec.plan import PlanOrder
from spec.run_spec import RunSpec
from tests.policy.making import gpu, offer, query, spec

IMAGE = DefaultImage(template="base:py{python}", nvcc_suffix="-devel", pythons=("3.12",))
PROCESS = RuntimeKind.PROCESS
FACTS = RuntimeFacts(pythons=("3.12",))
MANY = 5_000
EIGHT = tuple(gpu(number, id="") for number in range(8))


def local(*offers: Offer, facts: RuntimeFacts = FACTS) -> Found:
    return Found(backend="local", enforces_defaults=False, offers=offers, facts=facts)


def cloud(*offers: Offer) -> Found:
    return Found(backend="aws", enforces_defaults=True, offers=offers)


def found(asked: OfferQuery, *answers: Found) -> OfferList:
    return judge(asked, answers, IMAGE)


def cloud_offers(**values: object) -> list[Offer]:
    """Thousands, the dearest first."""
    return [
        offer(backend="aws", region=f"r-{number % 30}", price=number / 100, gpus=EIGHT, **values)
        for number in range(MANY, 0, -1)
    ]


def test_the_best_of_all_backends_comes_first() -> None:
    made = found(query(), local(offer(price=0)), cloud(offer(backend="aws", price=0.1)))
    assert [each.backend for each in made.offers] == ["local", "aws"]
    assert (made.more, made.max_price, made.refusals, made.warnings) == (0, 0.1, (), ())


def test_only_the_gpus_that_would_be_taken_are_offered() -> None:
    mixed = (gpu(0, name="L4", memory=24), gpu(1))
    (made,) = found(query(resources={"gpu": "A100"}), local(offer(gpus=mixed))).offers
    assert made.gpus == mixed[1:]


def test_an_offer_that_does_not_fit_is_told_with_its_reason() -> None:
    made = found(query(max_price=0.1), local(offer()))
    message = "`local/eu-1` does not fit: it costs $0.50 an hour, `max_price` is $0.10."
    assert (made.offers, made.refusals) == (
        (),
        (Refusal(kind=RefusalKind.CAPACITY, subject="local", message=message),),
    )


def test_many_that_lack_the_same_are_told_once_with_an_example() -> None:
    small = [offer(backend="aws", memory=number) for number in (1, 2, 4)]
    dear = [offer(backend="aws", zone="b", price=9)]
    made = found(query(max_price=1), cloud(*small, *dear))
    assert [each.message for each in made.refusals] == [
        "`aws/eu-1` comes closest, and does not fit: `memory: 8GB..` is asked for, it has 4.0GB. "
        "Nor do 2 more of `aws`, by `memory`.",
        "`aws/eu-1/b` does not fit: it costs $9.00 an hour, `max_price` is $1.00.",
    ]


def test_the_closest_of_all_backends_is_told_first_with_all_that_it_lacks() -> None:
    mine = offer(cpus=2, memory=4)
    asked = query(resources={"cpu": 4, "memory": "8GB..", "gpu": 1}, requested=("cpu", "memory"))
    with_gpu = offer(backend="aws", memory=1, gpus=(gpu(0),))
    made = found(asked, local(mine), cloud(with_gpu))
    assert [each.message for each in made.refusals] == [
        "`aws/eu-1` comes closest, and does not fit: `memory: 8GB..` is asked for, it has 1.0GB.",
        "`local/eu-1` does not fit: `cpu: 4` is asked for, it has 2 x86; "
        "`memory: 8GB..` is asked for, it has 4.0GB; `gpu: 1` is asked for, it has no GPU free.",
    ]


def test_what_a_runtime_refuses_is_told_once() -> None:
    processes = [offer(runtime=PROCESS, zone=zone) for zone in "ab"]
    made = found(query(privileged=True), local(*processes))
    assert made.offers == ()
    (refusal,) = made.refusals
    assert "`privileged` is not possible in the process runtime" in refusal.message


def test_a_backend_that_does_not_answer_is_a_refusal_beside_the_others_offers() -> None:
    refusal = Refusal(subject="aws", message="It does not answer.", hint="Try again.")
    silent = Found(backend="aws", enforces_defaults=True, refusal=refusal)
    made = found(query(), silent, local(offer()))
    assert (len(made.offers), made.refusals) == (1, (refusal,))


def test_of_ones_own_machine_it_is_told_what_it_lacks() -> None:
    made = found(query(), local(offer(runtime=PROCESS, memory=4), offer(runtime=PROCESS, memory=4)))
    default = "The default `memory: 8GB..` is more than this machine has (4.0GB)."
    assert made.warnings == (NO_ISOLATION, default)


@pytest.mark.parametrize("asked", [spec(), spec(max_price=1), spec(resources={"gpu": "A100:8"})])
def test_thousands_of_offers_stay_small_in_a_history(asked: RunSpec) -> None:
    made = found(OfferQuery.of(asked), cloud(*cloud_offers()))
    plan = make_plan(PlanOrder(project="main", name="web", spec=asked), made)
    for payload in (made, plan):
        assert len(payload.model_dump_json()) < 200_000
    limit = asked.configuration.max_price
    fitting = MANY if limit is None else round(limit * 100)
    assert [each.price for each in made.offers] == [n / 100 for n in range(1, KEPT + 1)]
    assert (len(plan.offers), plan.total_offers) == (KEPT, fitting)
    assert plan.max_price == fitting / 100


def test_thousands_that_do_not_fit_are_one_refusal() -> None:
    made = found(query(), cloud(*cloud_offers(memory=1)))
    (refusal,) = made.refusals
    assert f"Nor do {MANY - 1} more of `aws`, by `memory`." in refusal.message


def test_a_range_of_plain_processes_comes_to_one_and_that_is_told() -> None:
    scaling = {"metric": "rps", "target": 10}
    made = found(query(replicas="1..4", scaling=scaling), local(offer(runtime=PROCESS)))
    assert made.warnings == (NO_ISOLATION, ONE_PORT.format("1..4"))
