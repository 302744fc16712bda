"""The policy of pages allows the scripts that stand in them, and nothing inline besides."""

from __future__ import annotations

import base64
import gzip
import hashlib

import pytest

from server.web.security.headers import added_to, page_policy
from server.web.security.pace import MOST_CALLERS, Pace

PAGE = b"""<html><head><script type="importmap">{"imports": {}}</script>
<script src="/a.js" defer></script></head><body onload="bad()"><script type="module">
start(1 < 2);
</script></body></html>"""


def hash_of(script: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"


@pytest.mark.parametrize("is_gzipped", [False, True])
def test_scripts_of_the_page_are_allowed_by_what_they_say(*, is_gzipped: bool) -> None:
    body = gzip.compress(PAGE) if is_gzipped else PAGE
    policy = page_policy(body, is_gzipped=is_gzipped)
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts.split()[1:] == [
        "'self'",
        "'unsafe-eval'",
        hash_of(b'{"imports": {}}'),
        hash_of(b"\nstart(1 < 2);\n"),
    ]
    assert "unsafe-inline" not in scripts


def test_what_an_answer_sets_itself_stays() -> None:
    own = [(b"Content-Security-Policy", b"default-src 'self'"), (b"Cache-Control", b"max-age=9")]
    headers = added_to(own, path="/x", policy="default-src 'none'")
    assert [value for name, value in headers if name == b"content-security-policy"] == [
        b"default-src 'self'"
    ]
    assert [value for name, value in headers if name == b"cache-control"] == [b"max-age=9"]


def test_style_and_scripts_may_be_kept_by_the_browser_and_nothing_else() -> None:
    for path, is_kept in (("/static/centre.css", True), ("/_nicegui/3/x.js", True), ("/", False)):
        names = [name for name, _ in added_to([], path=path, policy="x")]
        assert (b"cache-control" not in names) is is_kept


def test_a_bucket_fills_again() -> None:
    pace = Pace(burst=2, a_second=0.5)
    assert [pace.wait_s("a", 0.0) for _ in range(4)] == [0, 0, 2, 2]
    assert pace.wait_s("b", 0.0) == 0
    assert pace.wait_s("a", 2.0) == 0
    assert pace.wait_s("a", 2.0) == 2


def test_so_many_callers_are_remembered() -> None:
    pace = Pace(burst=1, a_second=0.001)
    assert [pace.wait_s("first", 0.0), pace.wait_s("first", 0.0) > 0] == [0, True]
    for number in range(MOST_CALLERS):
        pace.wait_s(str(number), 0.0)
    assert pace.wait_s("first", 0.0) == 0
