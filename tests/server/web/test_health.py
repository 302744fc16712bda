"""GET /health...: for machines, 200 or 503."""

from __future__ import annotations

import pytest

from server.accounts.permissions import Permission, Role
from tests.server.web.site import HERE, Site, healthy


async def test_fit_to_take_rows(site: Site) -> None:
    site.trusts_this_machine = True
    async with site.browser(HERE, url="http://127.0.0.1:8080") as browser:
        answer = await browser.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": "db/websocket_server.db",
        "connections": 2,
        "rows_received": 7,
        "uptime_s": 1.5,
        "version": "1.2.3",
    }


async def test_not_fit_says_why(site: Site) -> None:
    site.trusts_this_machine = True
    site.health = healthy(status="failing", reason="disk full")
    async with site.browser(HERE, url="http://127.0.0.1:8080") as browser:
        answer = await browser.get("/health")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "disk full"


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
async def test_strangers_learn_only_whether_it_works(site: Site, path: str) -> None:
    site.health = healthy(status="failing", reason="/var/db is full")
    async with site.browser() as browser:
        answer = await browser.get(path)
    if path == "/health/live":
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    else:
        assert (answer.status_code, answer.json()) == (503, {"status": "failing"})


async def test_details_are_for_those_who_may_see_the_server(site: Site) -> None:
    token = await site.token(Role.VIEWER, Permission.SEE_SERVER)
    async with site.browser() as browser:
        assert (await browser.get("/health/detailed")).status_code == 401
        answer = await browser.get("/health/detailed", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert {"cpu", "memory", "disk", "database_state", "queue", "services"} <= set(answer.json())
