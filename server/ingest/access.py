"""Who may connect, and what a server may expose: decisions on plain values."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from server.device_token import DeviceToken
from server.peer import Address, Network, address_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """What the operator allowed."""

    classic_networks: tuple[Network, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    allow_plaintext: bool = False
    trusts_this_machine: bool = True
    trusted_proxies: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A connection that asks to be let in.

    `address` is None where it cannot be told. `token` is what the store knows of the token that
    came with it, `token_sha256` None where none came.
    """

    address: Address | None
    is_encrypted: bool
    wants_v1: bool
    origin: str | None
    host: str | None
    token_sha256: bytes | None
    token: DeviceToken | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """Let in; as this device, by this token, where it came with one."""

    device_id: str | None
    token_sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """Turned away with an HTTP status and a reason that says what to do."""

    status: HTTPStatus
    reason: str


def decide(visitor: Visitor, policy: AccessPolicy) -> Admitted | Denied:
    """Whether the visitor may write rows."""
    if visitor.origin is not None and not _origin_is_allowed(visitor, policy):
        return Denied(
            HTTPStatus.FORBIDDEN,
            f"web pages of {visitor.origin} may not write here; SERVER_ALLOWED_ORIGINS allows more",
        )
    is_local = visitor.address is not None and visitor.address.is_loopback
    if visitor.token_sha256 is not None:
        return _decide_by_token(visitor, visitor.token_sha256, policy, is_local=is_local)
    if is_local and policy.trusts_this_machine:
        return Admitted(None)
    if visitor.address is not None and any(
        visitor.address in network for network in policy.classic_networks
    ):
        if visitor.wants_v1:
            return Denied(
                HTTPStatus.UNAUTHORIZED,
                "sightpost.v1 needs a token: python -m server token create NAME",
            )
        return Admitted(None)
    return Denied(
        HTTPStatus.UNAUTHORIZED,
        "a token is needed (python -m server token create NAME), or, for an old camera, "
        "its network in SERVER_CLASSIC_NETWORKS"
        + (", from this machine too (SERVER_LOCAL_TOKENS)" if is_local else ""),
    )


def _decide_by_token(
    visitor: Visitor, token_sha256: bytes, policy: AccessPolicy, *, is_local: bool
) -> Admitted | Denied:
    token = visitor.token
    if token is None or not hmac.compare_digest(token.token_sha256, token_sha256):
        return Denied(HTTPStatus.UNAUTHORIZED, "this token is unknown here")
    if token.revoked_at is not None:
        return Denied(HTTPStatus.UNAUTHORIZED, f"this token was revoked, {token.revoked_at}")
    if not (is_local or visitor.is_encrypted or policy.allow_plaintext):
        return Denied(
            HTTPStatus.FORBIDDEN,
            "the token came in clear text: use wss://, or, inside a VPN, "
            "SERVER_ALLOW_PLAINTEXT=true",
        )
    return Admitted(token.name, token_sha256)


def _origin_is_allowed(visitor: Visitor, policy: AccessPolicy) -> bool:
    """Some plain clients send the server's own address as Origin; a page cannot forge that.

    Only literal addresses count: a name of the attacker's could be made to point here.
    """
    origin = visitor.origin or ""
    if origin.rstrip("/") in policy.allowed_origins:
        return True
    try:
        parts = urlsplit(origin)
        hostname = parts.hostname or ""
    except ValueError:
        return False
    if parts.netloc.lower() != (visitor.host or "").lower():
        return False
    return hostname == "localhost" or address_of(hostname) is not None


def exposure_fault(
    *, host: str, has_tokens: bool, has_tls: bool, policy: AccessPolicy
) -> str | None:
    """Why a server must not listen on `host` as things are, with what to write; None: it may."""
    address = address_of(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return None
    if policy.classic_networks:
        return None
    if has_tokens and (has_tls or policy.allow_plaintext):
        return None
    lines = [f"SERVER_HOST={host} lets the network in, and nobody there could be let in safely:"]
    if not has_tokens:
        lines.append("  make a token for each camera: python -m server token create NAME")
    if not has_tls and not policy.allow_plaintext:
        lines.append(
            "  set SERVER_TLS_CERT=FILE and SERVER_TLS_KEY=FILE, "
            "or, inside a VPN, SERVER_ALLOW_PLAINTEXT=true"
        )
    lines.append("  or, for old cameras without tokens, SERVER_CLASSIC_NETWORKS=192.168.1.0/24")
    lines.append("  or listen to this machine only: SERVER_HOST=127.0.0.1")
    return "\n".join(lines)
