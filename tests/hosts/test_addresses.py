"""Addresses are handed out in turn, rest for an hour, and are on disk before they are used."""

import asyncio
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from hosts.addresses import REST, AddressFile, AddressPool
from perdure.errors import ContainerCreateFailed

POOL = AddressPool(first=IPv4Address("10.0.0.2"), last=IPv4Address("10.0.0.4"))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> AddressFile:
    return AddressFile(tmp_path / "addresses.db", clock)


async def last_byte(book: AddressFile, token: str, network: str = "n") -> int:
    return int(await book.claim(network, token, POOL)) & 0xFF


async def test_addresses_are_handed_out_in_turn(book: AddressFile) -> None:
    assert [await last_byte(book, token) for token in "abc"] == [2, 3, 4]


async def test_a_token_gets_the_address_that_it_holds(book: AddressFile) -> None:
    first = await last_byte(book, "a")
    await last_byte(book, "b")
    assert await last_byte(book, "a") == first


async def test_the_next_one_is_after_the_last_even_when_an_earlier_is_free(
    book: AddressFile, clock: Clock
) -> None:
    await last_byte(book, "a")
    await last_byte(book, "b")
    await book.release("n", "a")
    clock.now += REST.total_seconds() + 1
    assert await last_byte(book, "c") == 4
    assert await last_byte(book, "d") == 2


async def test_a_released_address_rests_for_an_hour(book: AddressFile, clock: Clock) -> None:
    for token in "abc":
        await last_byte(book, token)
    await book.release("n", "b")
    clock.now += REST.total_seconds() - 1
    with pytest.raises(ContainerCreateFailed, match="in use or resting"):
        await last_byte(book, "d")
    clock.now += 2
    assert await last_byte(book, "d") == 3


async def test_an_address_is_not_given_twice_by_two_processes_at_once(
    book: AddressFile, tmp_path: Path
) -> None:
    other = AddressFile(tmp_path / "addresses.db")
    given = await asyncio.gather(last_byte(book, "a"), last_byte(other, "b"), last_byte(book, "c"))
    assert sorted(given) == [2, 3, 4]


async def test_the_book_outlives_its_process(book: AddressFile, tmp_path: Path) -> None:
    await last_byte(book, "a")
    assert await last_byte(AddressFile(tmp_path / "addresses.db"), "b") == 3


async def test_two_machines_may_use_the_same_addresses(book: AddressFile) -> None:
    assert await last_byte(book, "a", "one") == await last_byte(book, "b", "two")


async def test_a_network_that_moved_gives_an_address_of_its_new_range(book: AddressFile) -> None:
    await last_byte(book, "a")
    moved = AddressPool(first=IPv4Address("10.9.0.2"), last=IPv4Address("10.9.0.4"))
    assert str(await book.claim("n", "a", moved)).startswith("10.9.0.")
    assert str(await book.claim("n", "b", moved)).startswith("10.9.0.")


async def test_a_release_of_nothing_is_no_error(book: AddressFile) -> None:
    await book.release("n", "nobody")
    assert await last_byte(book, "a") == 2
