"""Which replica gets a request."""

from collections import Counter

from proxy.addresses import Endpoint
from proxy.balance import FIRST_EJECTION, LONGEST_EJECTION, Claim, Replica, choose


def replicas(*in_flight: int) -> list[Replica]:
    made = [Replica(f"r{number}", Endpoint()) for number in range(len(in_flight))]
    for replica, count in zip(made, in_flight, strict=True):
        replica.in_flight = count
    return made


def test_nobody_is_nobody() -> None:
    assert choose([], 0.0) is None


def test_of_two_the_less_busy_one_is_taken() -> None:
    busy, free = replicas(3, 2)
    assert {choose([busy, free], 0.0) for _ in range(100)} == {free}


def test_ties_are_spread() -> None:
    ready = replicas(0, 0, 0, 0)
    counts = Counter(choose(ready, 0.0) for _ in range(4000))
    assert len(counts) == 4
    assert min(counts.values()) > 700


def test_the_busiest_of_many_is_never_taken() -> None:
    ready = replicas(0, 9, 0, 0, 0)
    assert ready[1] not in {choose(ready, 0.0) for _ in range(500)}


def test_those_that_were_tried_are_not_taken_again() -> None:
    first, second = replicas(0, 9)
    assert choose([first, second], 0.0, (first,)) is second
    assert choose([first, second], 0.0, (first, second)) is None


def test_one_that_failed_is_out_for_a_growing_time() -> None:
    failing, other = replicas(0, 9)
    for failures, pause in enumerate((1, 2, 4, 8, 16, 30, 30), 1):
        failing.failed(100.0)
        assert failing.failures == failures
        assert failing.ejected_until == 100.0 + pause
    assert (FIRST_EJECTION, LONGEST_EJECTION) == (1, 30)
    assert {choose([failing, other], 129.0) for _ in range(50)} == {other}
    assert {choose([failing, other], 130.0) for _ in range(50)} == {failing}


def test_an_answer_clears_it() -> None:
    failing, other = replicas(0, 9)
    failing.failed(100.0)
    failing.answered()
    assert choose([failing, other], 100.0) is failing


def test_when_all_are_out_the_one_is_taken_that_comes_back_first() -> None:
    first, second = replicas(0, 0)
    first.failed(100.0)
    second.failed(99.5)
    assert choose([first, second], 100.0) is second


def test_a_claim_is_given_back_once() -> None:
    (replica,) = replicas(0)
    claims = [Claim(replica), Claim(replica)]
    assert replica.in_flight == 2
    for _ in range(3):
        claims[0].release()
        claims[0].finish()
    assert (replica.in_flight, replica.finished) == (1, 0)
    for _ in range(3):
        claims[1].finish()
        claims[1].release()
    assert (replica.in_flight, replica.finished) == (0, 1)
