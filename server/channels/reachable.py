"""Which addresses a message to elsewhere may go to: nobody makes this server ask its own network.

Pure but for the look-up of names, which its caller does: what is judged is the address that is
connected to, not a name that may mean another one a moment later.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from server.peer import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: the last four bytes are an IPv4 address beyond a translator."""
_PUBLIC_IPV6: Final = ipaddress.ip_network("2000::/3")
"""All that is given out (iana.org/assignments/ipv6-unicast-address-assignments): beyond it lie
forms that some machine may take for its own network, such as fec0::/10 and 64:ff9b:1::/48."""


def may_reach(address: Address, allowed: Sequence[Network]) -> bool:
    """Addresses of the public network, and those that were allowed."""
    faces = _faces(address)
    return any(
        each in network for each in faces for network in allowed if each.version == network.version
    ) or all(_is_public(each) for each in faces)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        return address in _TRANSLATED or (address in _PUBLIC_IPV6 and address.is_global)
    return address.is_global and not address.is_multicast


def _faces(address: Address) -> tuple[Address, ...]:
    """The address, and the IPv4 address that it stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    hidden = address.sixtofour or (address.teredo and address.teredo[1])
    if hidden is None and address in _TRANSLATED:
        hidden = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return (address,) if not hidden else (address, hidden)
