"""Where a request came from, by its headers: this machine, a proxy, its own page, another page."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PROXY_HEADERS: Final = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
)
"""A request with one of these was passed on; all names of headers here are in lower case."""


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@functools.lru_cache(256)
def names_this_machine(host_header: str) -> bool:
    """Whether a Host header (RFC 9110, section 7.2) names loopback."""
    try:
        name = urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or name.endswith(".localhost")


def was_passed_on(headers: Mapping[str, str]) -> bool:
    """Whether a proxy stands between."""
    return not PROXY_HEADERS.isdisjoint(headers)


def came_from_here(headers: Mapping[str, str]) -> bool:
    """By Sec-Fetch-Site where the browser sends it, else by Origin; programs send neither."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False
