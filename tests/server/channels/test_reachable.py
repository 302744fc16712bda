"""No message is talked into the server's own network."""

from __future__ import annotations

import ipaddress

import pytest

from server.channels.reachable import may_reach

INSIDE = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),  # noqa: S104 (addresses)
    *("169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.7"),
    *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("fec0::1", "::7f00:1", "::ffff:0:7f00:1", "64:ff9b:1::a00:1", "2001:db8::1"),
    *("64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::1"),
)
OUTSIDE = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822")


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_refused(address: str) -> None:
    assert not may_reach(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_are_reached(address: str) -> None:
    assert may_reach(ipaddress.ip_address(address), ())


def test_what_was_allowed_is_reached_and_nothing_beside_it() -> None:
    allowed = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("::1/128"))
    for address in ("10.1.2.3", "::1", "::ffff:10.1.2.3"):
        assert may_reach(ipaddress.ip_address(address), allowed)
    for address in ("10.2.0.1", "127.0.0.1", "fe80::1"):
        assert not may_reach(ipaddress.ip_address(address), allowed)
