"""What a process that only takes rows answers to those who watch it."""

from __future__ import annotations

import httpx
from httpx import ASGITransport

from server.web.health import DetailedHealth, HealthReport
from server.web.security.rules import Door
from server.web.watching import create_watching
from telemetry.error_book import ErrorBook
from tests.server.web.site import FAR, HERE, NoFigures, detailed, healthy

URL = "http://127.0.0.1:8080"


async def report() -> HealthReport:
    return healthy()


async def details() -> DetailedHealth:
    return detailed(healthy())


async def test_its_own_machine_sees_all_of_it_and_others_only_whether_it_works() -> None:
    book = ErrorBook()
    book.note({"event": "rows cannot be stored", "level": "error", "reason": "no disk"})
    app = create_watching(
        report,
        details,
        NoFigures(),
        door=Door(trusts_this_machine=True),
        trusted_proxies=(),
        errors=book,
    )
    paths = ("/health", "/health/detailed", "/metrics", "/api/v1/errors")
    answers = {}
    for address in (HERE, FAR):
        transport = ASGITransport(app, client=(address, 50123))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as browser:
            answers[address] = [await browser.get(path) for path in paths]
    assert [each.status_code for each in answers[HERE]] == [200, 200, 200, 200]
    (found,) = answers[HERE][-1].json()["by_code"]
    assert (found["code"], found["count"]) == ("rows_cannot_be_stored", 1)
    assert [each.status_code for each in answers[FAR]] == [200, 401, 401, 401]
