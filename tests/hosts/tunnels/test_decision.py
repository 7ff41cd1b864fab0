"""What is done next for a machine, and what is kept."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hosts.tunnels.address import Remote, Tunnel
from hosts.tunnels.decision import (
    GRACE,
    LONGEST_PAUSE,
    Close,
    Connect,
    Leave,
    Open,
    Rest,
    View,
    decide,
    kept,
    pause,
)

REMOTE = Remote("perdure", "10.0.0.7", 22, "ssh-ed25519 AAAA")
A, B, C = (Tunnel(REMOTE, f"172.30.0.{n}:8000", f"address-{n}") for n in (1, 2, 3))
NOTHING: frozenset[Tunnel] = frozenset()


def up(wanted: set[Tunnel], opened: set[Tunnel]) -> View:
    return View(frozenset(wanted), frozenset(opened), connected=True)


def test_a_machine_is_connected_before_anything_is_opened() -> None:
    assert decide(View(frozenset({A})), 0) == Connect()


def test_what_is_not_wanted_is_closed_before_what_is_wanted_is_opened() -> None:
    assert decide(up({A}, {B}), 0) == Close(B)
    assert decide(up({A, B}, {B}), 0) == Open(A)
    assert decide(up({A}, {A}), 0) == Rest()


def test_a_machine_of_which_nothing_is_wanted_is_left_even_after_failures() -> None:
    assert decide(up(set(), {A}), 0) == Leave()
    assert decide(View(NOTHING, failures=3, at=0), 0.1) == Leave()


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (1, 0.5), (2, 1), (3, 2), (50, 30)])
def test_each_failure_doubles_the_pause_up_to_a_bound(failures: int, seconds: float) -> None:
    assert pause(failures) == seconds


def test_after_a_failure_it_rests_until_the_pause_is_over() -> None:
    view = View(frozenset({A}), failures=2, at=100.0)
    assert decide(view, 100.4) == Rest(101.0)
    assert decide(view, 101.0) == Connect()


@given(some.integers(0, 10_000))
def test_no_pause_is_longer_than_the_longest(failures: int) -> None:
    assert 0 <= pause(failures) <= LONGEST_PAUSE


@given(some.frozensets(some.sampled_from([A, B, C])), some.frozensets(some.sampled_from([A, B, C])))
def test_steps_come_to_rest_with_exactly_what_is_wanted(
    wanted: frozenset[Tunnel], opened: frozenset[Tunnel]
) -> None:
    view = View(wanted, opened, connected=bool(opened))
    for _ in range(8):
        match decide(view, 0):
            case Connect():
                view = replace(view, connected=True)
            case Open(tunnel):
                view = replace(view, opened=view.opened | {tunnel})
            case Close(tunnel):
                view = replace(view, opened=view.opened - {tunnel})
            case Leave():
                view = replace(view, opened=NOTHING, connected=False)
            case Rest(until):
                assert until == math.inf
                break
    assert view.opened == wanted
    assert view.connected == bool(wanted)


def test_a_tunnel_outlives_its_last_route_by_the_grace() -> None:
    then = kept({}, {A, B}, 0.0)
    assert kept(then, {A}, GRACE - 1).keys() == {A, B}
    assert kept(then, {A}, GRACE).keys() == {A}


def test_while_nobody_can_say_all_stay_and_their_grace_begins_anew() -> None:
    then = kept({A: 0.0}, None, 10 * GRACE)
    assert kept(then, set(), 11 * GRACE - 1).keys() == {A}
    assert kept(then, set(), 11 * GRACE) == {}
