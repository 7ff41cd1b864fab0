"""Where a request comes from, when places in line are shared."""

import pytest

from proxy.forwarded import origin


@pytest.mark.parametrize(
    ("peer", "told"),
    [
        (b"192.0.2.1", "192.0.2.1"),
        (b"2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (b"::ffff:192.0.2.1", "192.0.2.1"),
        (b"127.0.0.1", ""),
        (b"::1", ""),
        (b"", ""),
        (b"unknown", ""),
    ],
)
def test_a_client_is_known_by_its_network_unless_it_is_on_this_machine(
    peer: bytes, told: str
) -> None:
    assert origin(peer, None) == told


def test_of_a_trusted_proxy_the_nearest_address_that_it_names_counts() -> None:
    given = [(b"X-Forwarded-For", b"198.51.100.7, 192.0.2.9"), (b"X-Forwarded-Proto", b"https")]
    assert origin(b"10.0.0.1", given) == "192.0.2.9"
    assert origin(b"10.0.0.1", []) == ""
