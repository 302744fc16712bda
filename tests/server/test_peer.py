"""Who is at the other end of a connection."""

from __future__ import annotations

import ipaddress

import pytest

from server.peer import address_of, bearer_token, seen_through_proxy


@pytest.mark.parametrize(
    ("headers", "address", "is_encrypted"),
    [
        ({}, "127.0.0.1", False),
        ({"x-forwarded-for": "10.0.0.9"}, "10.0.0.9", False),
        (
            {"x-forwarded-for": "127.0.0.1, 10.0.0.9", "x-forwarded-proto": "https"},
            "10.0.0.9",
            True,
        ),
        ({"x-forwarded-for": "unknown"}, None, False),
        ({"forwarded": "for=127.0.0.1"}, None, False),
    ],
)
def test_cameras_behind_a_proxy_here_are_not_local(
    headers: dict[str, str], address: str | None, is_encrypted: bool
) -> None:
    expected = None if address is None else address_of(address)
    seen = seen_through_proxy(address_of("127.0.0.1"), False, headers)
    assert seen == (expected, is_encrypted)


def test_a_distant_peer_cannot_claim_to_be_a_proxy() -> None:
    peer = address_of("10.0.0.9")
    assert seen_through_proxy(peer, False, {"x-forwarded-for": "127.0.0.1"}) == (peer, False)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", ""),
        ("Bearer", ""),
    ],
)
def test_the_token_of_a_header(header: str | None, token: str | None) -> None:
    assert bearer_token(header) == token


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7, 10.1.0.5", "198.51.100.7"),
        ("10.1.0.5", "10.1.0.5"),
    ],
)
def test_of_several_proxies_the_first_that_is_not_trusted_is_who_asks(
    forwarded: str, address: str
) -> None:
    trusted = [ipaddress.ip_network("10.1.0.0/16")]
    for proxy in ("10.1.0.9", "127.0.0.1"):
        seen, _ = seen_through_proxy(
            address_of(proxy), False, {"x-forwarded-for": forwarded}, trusted
        )
        assert seen == address_of(address)
