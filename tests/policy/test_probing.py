"""Which probes a replica has, and what their answers make of it."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.probing import (
    FAILURES,
    MOST_LAPSES,
    UNHEALTHY_LIMIT,
    Probed,
    ProbeResult,
    begun,
    heard,
    lasting,
    most_lapses,
    probes_of,
)
from spec.deeds import Instance, MonitorOrder
from spec.probe import LARGEST_PROBES, LONGEST_BODY, LONGEST_SHOWN, Probe
from spec.status import Health
from tests.policy.making import LIFE, NOW, PLACE, event, replica_start, service

SECOND = timedelta(seconds=1)
TEMPORAL_S_OWN = 4_000
"""Bytes of a change of health that are Temporal's: a dozen events with times, names, summaries."""
PASSED = ProbeResult(passed=True, outcome="answered 200")
FAILED = ProbeResult(passed=False, outcome="answered 503")
OPENAI = {"name": "m", "format": "openai", "prefix": "/api/"}

Answers = Sequence[tuple[int, bool]]
"""The probe's number, and whether it passed."""


def probe(**properties: Any) -> Probe:
    return Probe.model_validate({"type": "http", "url": "/health"} | properties)


def after(known: Probed, answers: Answers, apart: timedelta = SECOND) -> Probed:
    for count, (number, passed) in enumerate(answers, 1):
        known = heard(known, number, PASSED if passed else FAILED, NOW + count * apart)
    return known


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ({}, []),
        ({"probes": []}, []),
        ({"model": "llama"}, ["POST /v1/chat/completions"]),
        ({"model": OPENAI}, ["POST /api/chat/completions"]),
        ({"model": "llama", "probes": []}, []),
        ({"model": "llama", "probes": [{"type": "http", "url": "/health"}]}, ["GET /health"]),
    ],
)
def test_a_model_is_probed_by_a_chat_unless_the_file_says_otherwise(
    properties: dict[str, Any], shown: list[str]
) -> None:
    assert [str(each) for each in probes_of(replica_start(**properties))] == shown


def test_a_replica_from_before_there_were_probes_has_no_default_one() -> None:
    assert probes_of(replica_start(elastic=False, model="llama")) == ()
    asked: dict[str, Any] = {"probes": [{"type": "http"}]}
    assert probes_of(replica_start(elastic=False, **asked)) == probes_of(replica_start(**asked))


def test_the_default_probe_asks_the_model_for_one_token() -> None:
    (chat,) = probes_of(replica_start(model="llama"))
    assert (chat.timeout, chat.interval, chat.ready_after, chat.until_ready) == (30, 15, 1, False)
    assert [(each.name, each.value) for each in chat.headers] == [
        ("Content-Type", "application/json")
    ]
    asked = json.loads(chat.body or "")
    assert (asked["model"], asked["max_tokens"], len(asked["messages"])) == ("llama", 1, 1)


def test_probes_until_it_is_ready_do_not_last() -> None:
    first, last = probe(until_ready=True), probe(url="/live")
    assert lasting((first, last)) == (last,)


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ({}, "GET /health"),
        ({"method": "post", "url": "/"}, "POST /"),
        ({"url": "/health?token=s3cret#there"}, "GET /health"),
        ({"url": "//other/health"}, "GET //other/health"),
        ({"url": "/" + "a" * LONGEST_SHOWN}, f"GET /{'a' * (LONGEST_SHOWN - 2)}…"),
    ],
)
def test_people_know_a_probe_by_its_method_and_its_path(
    properties: dict[str, Any], shown: str
) -> None:
    assert str(probe(**properties)) == shown


many = st.lists(
    st.builds(
        probe,
        url=st.uuids().map(lambda each: f"/{each}"),
        ready_after=st.integers(min_value=1, max_value=4),
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[tuple[Probe, ...], Answers]:
    probes = tuple(draw(many))
    number = st.integers(min_value=0, max_value=len(probes) - 1)
    return probes, draw(st.lists(st.tuples(number, st.booleans()), max_size=40))


def last(answers: Answers, number: int, count: int) -> list[bool]:
    return [passed for each, passed in answers if each == number][-count:]


def have_passed(probes: Sequence[Probe], answers: Answers) -> bool:
    return all(
        last(answers, number, each.ready_after) == [True] * each.ready_after
        for number, each in enumerate(probes)
    )


@given(histories())
def test_a_replica_becomes_ready_by_the_answer_that_completes_all_successes(
    history: tuple[tuple[Probe, ...], Answers],
) -> None:
    probes, answers = history
    known = begun(probes, Health.STARTING, NOW)
    for count, answer in enumerate(answers, 1):
        known = after(known, [answer])
        assert (known.health is Health.HEALTHY) is have_passed(probes, answers[:count])
        assert not known.is_lost
        if known.health is Health.HEALTHY:
            return
        assert known.detail.startswith("The probe `GET /")


@given(histories())
def test_a_healthy_replica_stays_so_until_one_probe_has_failed_so_often_in_a_row(
    history: tuple[tuple[Probe, ...], Answers],
) -> None:
    probes, answers = history
    known = begun(probes, Health.HEALTHY, NOW)
    for count, answer in enumerate(answers, 1):
        known = after(known, [answer])
        failing = last(answers[:count], answer[0], FAILURES) == [False] * FAILURES
        assert (known.health is Health.UNHEALTHY) is failing
        if failing:
            assert known.detail == f"The probe `{probes[answer[0]]}` answered 503."
            return


@given(histories())
def test_an_unhealthy_replica_comes_back_when_all_probes_pass_as_often_as_at_first(
    history: tuple[tuple[Probe, ...], Answers],
) -> None:
    probes, answers = history
    known = begun(probes, Health.UNHEALTHY, NOW)
    for count, answer in enumerate(answers, 1):
        known = after(known, [answer])
        assert (known.health is Health.HEALTHY) is have_passed(probes, answers[:count])
        if known.health is Health.HEALTHY:
            return


@given(histories(), st.integers(min_value=1, max_value=60))
def test_it_is_lost_by_an_answer_that_fails_after_the_limit_and_by_nothing_else(
    history: tuple[tuple[Probe, ...], Answers], seconds: int
) -> None:
    probes, answers = history
    known = begun(probes, Health.HEALTHY, NOW)
    now = NOW
    for number, passed in answers:
        now += timedelta(seconds=seconds)
        before, known = known, heard(known, number, PASSED if passed else FAILED, now)
        over = before.health is Health.UNHEALTHY and now - before.since >= UNHEALTHY_LIMIT
        assert known.is_lost is (over and not passed)
        if known.is_lost:
            assert known.health is Health.UNHEALTHY
            return


def test_one_that_comes_and_goes_is_lost_after_so_many_times() -> None:
    known = begun((probe(),), Health.HEALTHY, NOW, lapses=MOST_LAPSES - 1)
    known = after(known, [(0, False)] * FAILURES)
    assert (known.lapses, known.is_lost) == (MOST_LAPSES, False)
    known = after(known, [(0, True), *[(0, False)] * FAILURES])
    assert (known.lapses, known.is_lost) == (MOST_LAPSES + 1, True)
    assert known.loss == (
        "It became unhealthy more than 500 times. The probe `GET /health` answered 503."
    )


LARGEST = {
    "ten": tuple(
        probe(url=f"/{num}", method="post", body="x" * (LARGEST_PROBES // 10 - 3))
        for num in range(10)
    ),
    "four": tuple(
        probe(url=f"/{num}", method="post", body="x" * (LONGEST_BODY - 2)) for num in range(4)
    ),
    "escaped": tuple(
        probe(url=f"/{num}", method="post", body="\x01" * (LONGEST_BODY - 2)) for num in range(4)
    ),
    "headers": tuple(
        probe(
            url=f"/{num}",
            headers=[{"name": f"X{each}", "value": "\x01" * 190} for each in range(16)],
        )
        for num in range(10)
    ),
    "small": tuple(probe(url=f"/{num}", body="{}", method="post") for num in range(10)),
}


@pytest.mark.parametrize("name", LARGEST)
def test_no_replica_s_lapses_fill_its_history(name: str) -> None:
    """Temporal ends a workflow whose history has 50 MB."""
    probes = service(probes=LARGEST[name]).probes
    assert probes is not None
    host = Instance(token="t" * 100, backend="local", host="h" * 300)
    order = MonitorOrder(
        instance=host,
        owner="o" * 200,
        incarnation=LIFE,
        address="tcp://" + "a" * 200,
        probes=probes,
        since=NOW,
    )
    news = event(
        "r" * 200, phase="running", placement=PLACE, detail="d" * 1_000, health="unhealthy"
    )
    told = len(news.model_dump_json()) + 1_000
    change = len(order.model_dump_json()) + told + TEMPORAL_S_OWN
    assert 2 * most_lapses(probes) * change < 26_000_000
    assert most_lapses(probes) >= 50


@pytest.mark.parametrize(("name", "most"), [("small", MOST_LAPSES), ("four", 301)])
def test_small_probes_have_all_lapses_and_large_ones_fewer(name: str, most: int) -> None:
    probes = LARGEST[name]
    assert most_lapses(probes) == most
    known = begun(probes, Health.HEALTHY, NOW, lapses=most)
    known = after(known, [(0, False)] * FAILURES)
    assert known.is_lost
    assert known.loss.startswith(f"It became unhealthy more than {most} times.")


def test_a_lost_replica_tells_for_how_long_it_was_unhealthy() -> None:
    known = heard(begun((probe(),), Health.UNHEALTHY, NOW), 0, FAILED, NOW + UNHEALTHY_LIMIT)
    assert known.is_lost
    assert known.loss == ("It was unhealthy for 5 minutes. The probe `GET /health` answered 503.")


def test_health_counts_from_the_answer_that_changed_it() -> None:
    healthy = begun((probe(),), Health.HEALTHY, NOW)
    fallen = after(healthy, [(0, False)] * FAILURES)
    assert (fallen.health, fallen.since) == (Health.UNHEALTHY, NOW + FAILURES * SECOND)
    assert heard(fallen, 0, PASSED, NOW + 9 * SECOND).since == NOW + 9 * SECOND


def test_a_worse_probe_speaks_for_all_and_what_is_missing_is_told() -> None:
    both = (probe(), probe(url="/deep", ready_after=3))
    known = begun(both, Health.STARTING, NOW)
    assert known.detail == "The probe `GET /health` has no answer yet."
    known = after(known, [(0, True), (1, True)])
    assert known.detail == "The probe `GET /deep` passed 1 of 3 times."
    known = after(known, [(0, False), (1, False), (1, False)])
    assert known.detail == "The probe `GET /deep` answered 503."
    assert after(known, [(0, True), *[(1, True)] * 3]).detail == ""
