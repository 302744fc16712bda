"""A request before anything else is known of it: what it wants, from where, with which proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import cookie_parser
from starlette.types import Scope

from guarding.origin import CHANGING, was_passed_on
from server.device_token import digest_of
from server.peer import (
    Network,
    address_of,
    bearer_token,
    is_this_machine,
    place_of,
    seen_through_proxy,
)

_COOKIE: Final = "sightpost_centre"


def cookie_name(*, is_encrypted: bool) -> str:
    """The session's. Under TLS no page of another name, nor one over HTTP, can set or get it
    (RFC 6265bis, section 4.1.3.2). It is not the camera page's: ports share cookies."""
    return f"__Host-{_COOKIE}" if is_encrypted else _COOKIE


def browser_cookie_name(*, is_encrypted: bool) -> str:
    """By which a browser is known in which somebody signed in before; it opens nothing."""
    return f"{cookie_name(is_encrypted=is_encrypted)}_browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """`headers` by lower-case name. `proof` is the SHA-256 of the session or API token that came
    along, `is_by_cookie` whether the browser added it by itself. `address` is whose request it is,
    also behind a proxy; `is_direct` means from this machine, with nobody between. `browser` is what
    it kept of signing in before."""

    method: str
    path: str
    headers: Mapping[str, str]
    address: str
    place: str | None
    is_encrypted: bool
    is_websocket: bool
    is_direct: bool
    proof: bytes | None
    is_by_cookie: bool
    browser: str | None

    @property
    def is_changing(self) -> bool:
        """Whether another web page must not be able to make the browser do it."""
        return self.is_websocket or self.method in CHANGING

    @property
    def is_by_hand(self) -> bool:
        """Whether somebody did something, as far as can be told: not a picture that a page that is
        kept up to date loads by itself, nor what its line carries."""
        purpose = self.headers.get("sec-fetch-dest", "document")
        return purpose in ("document", "empty") and not self.path.startswith("/_nicegui")

    @property
    def wants_page(self) -> bool:
        """Whether a person looks at the answer."""
        return not self.is_websocket and "text/html" in self.headers.get("accept", "")


def knock_of(scope: Scope, trusted: Sequence[Network]) -> Knock:
    """Of an ASGI scope of type http or websocket."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joint = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{joint}{value}" if name in headers else value
    client = scope.get("client")
    peer = address_of(str(client[0])) if client else None
    is_encrypted = scope.get("scheme") in {"https", "wss"}
    address, is_encrypted = seen_through_proxy(peer, is_encrypted, headers, trusted)
    cookies = cookie_parser(headers.get("cookie", ""))
    proof, is_by_cookie = _proof(headers, cookies, is_encrypted=is_encrypted)
    return Knock(
        method=scope.get("method", "GET"),
        path=scope["path"],
        headers=headers,
        address="unknown" if address is None else str(address),
        place=place_of(address),
        is_encrypted=is_encrypted,
        is_websocket=scope["type"] == "websocket",
        is_direct=address is not None and is_this_machine(address) and not was_passed_on(headers),
        proof=proof,
        is_by_cookie=is_by_cookie,
        browser=cookies.get(browser_cookie_name(is_encrypted=is_encrypted)),
    )


def _proof(
    headers: Mapping[str, str], cookies: Mapping[str, str], *, is_encrypted: bool
) -> tuple[bytes | None, bool]:
    """A token that was sent on purpose goes before what the browser adds."""
    token = bearer_token(headers.get("authorization"))
    if token is not None:
        return digest_of(token), False
    session = cookies.get(cookie_name(is_encrypted=is_encrypted))
    return (digest_of(session), True) if session else (None, False)
