"""Who may connect, as a table."""

from __future__ import annotations

import ipaddress
from http import HTTPStatus

import pytest

from server.device_token import DeviceToken, digest_of
from server.ingest.access import (
    AccessPolicy,
    Admitted,
    Denied,
    Visitor,
    decide,
    exposure_fault,
)
from server.peer import address_of

TOKEN = DeviceToken(
    name="gate-1",
    token_sha256=digest_of("right"),
    created_at="2026-01-01",
    revoked_at=None,
    last_used_at=None,
)
REVOKED = DeviceToken(
    name="gate-1",
    token_sha256=digest_of("right"),
    created_at="2026-01-01",
    revoked_at="2026-02-01",
    last_used_at=None,
)
FARM = AccessPolicy(classic_networks=(ipaddress.ip_network("192.168.1.0/24"),))
VPN = AccessPolicy(allow_plaintext=True)
STRICT = AccessPolicy()
DISTRUSTING = AccessPolicy(trusts_this_machine=False)
ANYWHERE = "0.0.0.0"  # noqa: S104 (nothing listens there: the decision is the test)


def visitor(
    address: str = "127.0.0.1",
    *,
    token: DeviceToken | None = None,
    said: str | None = None,
    tls: bool = False,
    v1: bool = False,
    origin: str | None = None,
    host: str | None = "127.0.0.1:8765",
) -> Visitor:
    return Visitor(
        address=address_of(address),
        is_encrypted=tls,
        wants_v1=v1,
        origin=origin,
        host=host,
        token_sha256=None if said is None else digest_of(said),
        token=token,
    )


@pytest.mark.parametrize(
    ("asks", "policy", "device_id"),
    [
        (visitor("127.0.0.1"), STRICT, None),
        (visitor("127.0.0.1", v1=True), STRICT, None),
        (visitor("::1"), STRICT, None),
        (visitor("::ffff:127.0.0.1"), STRICT, None),
        (visitor("127.0.0.1", said="right", token=TOKEN), STRICT, "gate-1"),
        (visitor("10.0.0.9", said="right", token=TOKEN, tls=True), STRICT, "gate-1"),
        (visitor("10.0.0.9", said="right", token=TOKEN), VPN, "gate-1"),
        (visitor("127.0.0.1", said="right", token=TOKEN), DISTRUSTING, "gate-1"),
        (visitor("192.168.1.7"), FARM, None),
        (visitor("::ffff:192.168.1.7"), FARM, None),
    ],
)
def test_let_in(asks: Visitor, policy: AccessPolicy, device_id: str | None) -> None:
    token_sha256 = None if device_id is None else digest_of("right")
    assert decide(asks, policy) == Admitted(device_id, token_sha256)


@pytest.mark.parametrize(
    ("asks", "policy", "status", "words"),
    [
        (visitor("10.0.0.9"), STRICT, HTTPStatus.UNAUTHORIZED, "token create"),
        (visitor("127.0.0.1"), DISTRUSTING, HTTPStatus.UNAUTHORIZED, "SERVER_LOCAL_TOKENS"),
        (visitor("::1", v1=True), DISTRUSTING, HTTPStatus.UNAUTHORIZED, "SERVER_LOCAL_TOKENS"),
        (visitor("10.0.0.9", tls=True), STRICT, HTTPStatus.UNAUTHORIZED, "token create"),
        (visitor("10.0.0.9"), VPN, HTTPStatus.UNAUTHORIZED, "token create"),
        (visitor("192.168.2.7"), FARM, HTTPStatus.UNAUTHORIZED, "SERVER_CLASSIC_NETWORKS"),
        (visitor("192.168.1.7", v1=True), FARM, HTTPStatus.UNAUTHORIZED, "token create"),
        (visitor("127.0.0.1", said="wrong"), STRICT, HTTPStatus.UNAUTHORIZED, "unknown"),
        (visitor("127.0.0.1", said="x", token=TOKEN), STRICT, HTTPStatus.UNAUTHORIZED, "unknown"),
        (
            visitor("127.0.0.1", said="right", token=REVOKED),
            STRICT,
            HTTPStatus.UNAUTHORIZED,
            "revoked",
        ),
        (visitor("10.0.0.9", said="right", token=TOKEN), STRICT, HTTPStatus.FORBIDDEN, "wss://"),
        (visitor("not an address"), STRICT, HTTPStatus.UNAUTHORIZED, "token"),
    ],
)
def test_turned_away(asks: Visitor, policy: AccessPolicy, status: HTTPStatus, words: str) -> None:
    decision = decide(asks, policy)
    assert isinstance(decision, Denied)
    assert decision.status is status
    assert words in decision.reason


@pytest.mark.parametrize(
    ("origin", "host", "is_allowed"),
    [
        ("http://127.0.0.1:8765", "127.0.0.1:8765", True),  # what some plain clients send
        ("http://localhost:8765", "localhost:8765", True),
        ("https://cameras.example.org", "127.0.0.1:8765", True),
        ("https://evil.example", "127.0.0.1:8765", False),
        ("http://evil.example:8765", "evil.example:8765", False),  # a name pointed at us
        ("http://127.0.0.1:9999", "127.0.0.1:8765", False),
        ("null", "127.0.0.1:8765", False),
        ("http://[", "127.0.0.1:8765", False),
    ],
)
def test_web_pages_are_kept_out(origin: str, host: str, is_allowed: bool) -> None:
    policy = AccessPolicy(allowed_origins=("https://cameras.example.org",))
    decision = decide(visitor(origin=origin, host=host), policy)
    assert isinstance(decision, Admitted) is is_allowed


@pytest.mark.parametrize(
    ("host", "has_tokens", "has_tls", "policy"),
    [
        ("127.0.0.1", False, False, STRICT),
        ("localhost", False, False, STRICT),
        ("::1", False, False, STRICT),
        (ANYWHERE, True, True, STRICT),
        (ANYWHERE, True, False, VPN),
        (ANYWHERE, False, False, FARM),
    ],
)
def test_may_listen(host: str, has_tokens: bool, has_tls: bool, policy: AccessPolicy) -> None:
    assert exposure_fault(host=host, has_tokens=has_tokens, has_tls=has_tls, policy=policy) is None


@pytest.mark.parametrize(
    ("has_tokens", "has_tls", "policy", "to_write"),
    [
        (False, False, STRICT, ["token create", "SERVER_TLS_CERT", "SERVER_CLASSIC_NETWORKS"]),
        (False, True, STRICT, ["token create"]),
        (False, False, VPN, ["token create"]),
        (True, False, STRICT, ["SERVER_TLS_CERT", "SERVER_ALLOW_PLAINTEXT=true"]),
    ],
)
def test_will_not_listen_to_all_the_world(
    has_tokens: bool, has_tls: bool, policy: AccessPolicy, to_write: list[str]
) -> None:
    for host in (ANYWHERE, "::", "192.168.1.2", "server.example.org"):
        fault = exposure_fault(host=host, has_tokens=has_tokens, has_tls=has_tls, policy=policy)
        assert fault is not None
        assert all(line in fault for line in (*to_write, "SERVER_HOST=127.0.0.1"))
