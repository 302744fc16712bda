"""Who is at the other end of a connection: address, place, and what a proxy says of it."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Place = str

_IPV6_SITE_BITS: Final = (
    64  # RFC 6177: a site has at least that much, so single addresses mean nothing
)

_REMEMBERED: Final = 1024
"""Addresses whose parsing would cost each of many requests as much as all else at the gate."""

_IPV6_NETWORK_BITS: Final = 48  # RFC 6177 again: the most that one site gets
_IPV4_NETWORK_BITS: Final = 24  # the smallest that is announced on its own


@functools.lru_cache(_REMEMBERED)
def address_of(text: str) -> Address | None:
    """An IP address; one of IPv4 inside IPv6 as IPv4; None for anything else."""
    try:
        address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@functools.lru_cache(_REMEMBERED)
def place_of(address: Address | None) -> Place | None:
    """An IPv4 address, or the /64 network of an IPv6 one; None for this machine."""
    if address is None:
        return "unknown"
    if address.is_loopback:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_SITE_BITS), strict=False))
    return str(address)


def network_of(address: Address | None) -> str:
    """What its neighbours share: the /24 of an IPv4 address, the /48 of an IPv6 one."""
    if address is None:
        return "unknown"
    if address.is_loopback:
        return "this machine"
    bits = _IPV6_NETWORK_BITS if isinstance(address, ipaddress.IPv6Address) else _IPV4_NETWORK_BITS
    return str(ipaddress.ip_network((address, bits), strict=False))


def seen_through_proxy(
    peer: Address | None,
    is_encrypted: bool,
    headers: Mapping[str, str],
    trusted: Sequence[Network] = (),
) -> tuple[Address | None, bool]:
    """Whose connection it is, and whether encrypted, where a proxy passes it on.

    A proxy on this machine is always believed, or everybody behind it would count as local;
    others where `trusted` has their address. `headers` has keys in lower case. Of the addresses
    only those are believed that such proxies wrote: from the last one on, up to the first that is
    no proxy's.
    """
    if peer is None or not _is_trusted(peer, trusted):
        return peer, is_encrypted
    forwarded = headers.get("x-forwarded-for")
    if forwarded is None:
        return (None, False) if "forwarded" in headers else (peer, is_encrypted)
    scheme = headers.get("x-forwarded-proto", "").strip().lower()
    address: Address | None = None
    for text in reversed(forwarded.split(",")):
        address = address_of(text)
        if address is None or not _is_trusted(address, trusted):
            break
    return address, scheme in {"https", "wss"}


@functools.lru_cache(_REMEMBERED)
def is_this_machine(address: Address) -> bool:
    return address.is_loopback


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return is_this_machine(address) or any(address in network for network in trusted)


def bearer_token(authorization: str | None) -> str | None:
    """The token of `Authorization: Bearer TOKEN`, None without such a header.

    Of another scheme it is the empty string, which no token is.
    """
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
