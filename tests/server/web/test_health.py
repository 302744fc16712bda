"""GET /health: for machines, 200 or 503."""

from __future__ import annotations

import httpx
import pytest

from server.web.application import create_application
from server.web.health import HealthReport


def report(status: str, reason: str | None) -> HealthReport:
    return HealthReport(
        status=status,
        reason=reason,
        database="db/websocket_server.db",
        connections=2,
        rows_received=7,
        uptime_s=1.5,
        version="1.2.3",
    )


async def asked(path: str, found: HealthReport) -> httpx.Response:
    async def reporter() -> HealthReport:
        return found

    transport = httpx.ASGITransport(create_application(reporter))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as browser:
        return await browser.get(path)


async def test_fit_to_take_rows() -> None:
    answer = await asked("/health", report("ok", None))
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": "db/websocket_server.db",
        "connections": 2,
        "rows_received": 7,
        "uptime_s": 1.5,
        "version": "1.2.3",
    }


async def test_not_fit_says_why() -> None:
    answer = await asked("/health", report("failing", "disk full"))
    assert answer.status_code == 503
    assert answer.json()["reason"] == "disk full"


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_no_page_needs_the_internet(path: str) -> None:
    assert (await asked(path, report("ok", None))).status_code == 404
