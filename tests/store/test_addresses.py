"""Addresses are handed out in turn, and rest for an hour."""

import asyncio
from ipaddress import IPv4Address

import pytest

from perdure.errors import ContainerCreateFailed
from spec.addresses import AddressPool
from store.store import Store
from tests.store.conftest import Clock

POOL = AddressPool(first=IPv4Address("10.0.0.2"), last=IPv4Address("10.0.0.4"))


async def last_byte(store: Store, token: str, network: str = "n") -> int:
    return int(await store.addresses.claim(network, token, POOL)) & 0xFF


async def test_addresses_are_handed_out_in_turn(store: Store) -> None:
    assert [await last_byte(store, token) for token in "abc"] == [2, 3, 4]


async def test_a_token_gets_the_address_that_it_holds(store: Store) -> None:
    first = await last_byte(store, "a")
    await last_byte(store, "b")
    assert await last_byte(store, "a") == first


async def test_the_next_one_is_after_the_last_even_when_an_earlier_is_free(
    store: Store, clock: Clock
) -> None:
    await last_byte(store, "a")
    await last_byte(store, "b")
    await store.addresses.release("n", "a")
    clock.move(minutes=61)
    assert await last_byte(store, "c") == 4
    assert await last_byte(store, "d") == 2


async def test_a_released_address_rests_for_an_hour(store: Store, clock: Clock) -> None:
    for token in "abc":
        await last_byte(store, token)
    await store.addresses.release("n", "b")
    clock.move(minutes=59)
    with pytest.raises(ContainerCreateFailed, match="in use or resting"):
        await last_byte(store, "d")
    clock.move(minutes=2)
    assert await last_byte(store, "d") == 3


async def test_an_address_is_not_given_twice_at_once(store: Store) -> None:
    given = await asyncio.gather(*(last_byte(store, token) for token in "abc"))
    assert sorted(given) == [2, 3, 4]


async def test_two_machines_may_use_the_same_addresses(store: Store) -> None:
    assert await last_byte(store, "a", "one") == await last_byte(store, "b", "two")


async def test_a_network_that_moved_gives_an_address_of_its_new_range(store: Store) -> None:
    await last_byte(store, "a")
    moved = AddressPool(first=IPv4Address("10.9.0.2"), last=IPv4Address("10.9.0.4"))
    assert str(await store.addresses.claim("n", "a", moved)).startswith("10.9.0.")
    assert str(await store.addresses.claim("n", "b", moved)).startswith("10.9.0.")


async def test_a_release_of_nothing_is_no_error(store: Store) -> None:
    await store.addresses.release("n", "nobody")
    assert await last_byte(store, "a") == 2
