"""Where a request came from."""

from __future__ import annotations

import pytest

from guarding.origin import is_loopback, names_this_machine


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],  # noqa: S104 - judged, not bound
)
def test_loopback_is_known(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_host_headers_of_this_machine() -> None:
    for host in ("localhost", "localhost:8000", "127.0.0.1", "[::1]:8000", "cam.localhost:80"):
        assert names_this_machine(host), host
    for host in ("", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.1:8000", "["):
        assert not names_this_machine(host), host
