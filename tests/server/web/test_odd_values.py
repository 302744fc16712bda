"""Values that no clock, row or text can have: each is named as wrong, none is an error of ours."""

from __future__ import annotations

import pytest

from server.accounts.permissions import Role
from tests.server.web.site import FAR, Site

BIG = "9" * 30
HALF = "\\ud800"
"""Half a character, as JSON can spell it."""
EARLIEST = "0001-01-01T00:00:00%2B14:00"
LATEST = "9999-12-31T23:59:59-14:00"


@pytest.mark.parametrize(
    "paths",
    [
        [
            f"/sightings{kind}?{key}={moment}"
            for kind in ("", "/count", "/export")
            for key in ("from", "to")
            for moment in (EARLIEST, LATEST)
        ],
        [f"/sightings/per-minute?until={moment}" for moment in (EARLIEST, LATEST)],
        ["/sightings?camera=%00", "/sightings?camera=a&camera=%00", "/sightings?region=a%00"],
        [f"/sightings/{BIG}", f"/sightings/{BIG}/picture", "/sightings?plate=%00"],
        [f"/audit?{asked}" for asked in (f"before={BIG}", f"since={EARLIEST}", f"until={LATEST}")],
        [f"/cameras/x/books?until={day}" for day in ("0001-01-01", "9999-12-31")],
        [f"/data/stats?from={EARLIEST}&to=2026-01-01", f"/data/stats?from=2026-01-01&to={LATEST}"],
        [f"/alerts?{key}={BIG}" for key in ("before", "watchlist")],
        [f"/alerts/{BIG}", f"/watchlists/{BIG}", f"/watchlists/1/entries?before={BIG}"],
        [f"/alerts?{key}={at}" for key in ("from", "to") for at in (EARLIEST, LATEST)],
        ["/analytics/performance?from=0001-01-01&to=0001-01-02"],
    ],
)
async def test_what_is_asked_for_is_named_as_wrong(site: Site, paths: list[str]) -> None:
    token = await site.session(Role.ADMIN)
    async with site.browser(FAR, authorization=f"Bearer {token}") as program:
        for path in paths:
            answer = await program.get(f"/api/v1{path}")
            assert answer.status_code in (400, 404), (path, answer.text)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/login", f'{{"username": "{HALF}", "password": "x"}}'),
        ("POST", "/login", f'{{"username": "x", "password": "{HALF}"}}'),
        ("POST", "/register", f'{{"username": "abc", "password": "{HALF}abcdefghij"}}'),
        ("POST", "/setup", f'{{"key": "{HALF}", "username": "a", "password": "abcdefghij"}}'),
        ("PUT", "/api/v1/me/password", f'{{"old": "{HALF}", "new": "abcdefghij"}}'),
        ("POST", "/api/v1/users", f'{{"name": "abc", "password": "{HALF}abcdefghij"}}'),
        ("DELETE", f"/api/v1/tokens/{BIG}", ""),
        ("PATCH", f"/api/v1/users/{BIG}", '{"role": "viewer"}'),
        ("DELETE", f"/api/v1/users/{BIG}", ""),
        (
            *("POST", "/api/v1/me/tokens"),
            f'{{"name": "x", "scopes": ["server:read"], "expires_at": "{LATEST}"}}',
        ),
    ],
)
async def test_what_is_sent_is_named_as_wrong(
    site: Site, method: str, path: str, body: str
) -> None:
    token = await site.session(Role.ADMIN)
    headers = {"authorization": f"Bearer {token}", "content_type": "application/json"}
    async with site.browser(FAR, **headers) as program:
        answer = await program.request(method, path, content=body.encode())
    assert answer.status_code in (400, 401), answer.text
