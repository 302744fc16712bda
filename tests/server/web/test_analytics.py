"""The analysis of a day over REST, and that a running server writes down what it is made of."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from server.accounts.contract import Action
from server.accounts.permissions import Role
from server.app import Pace, running
from server.config import ServerSettings
from server.storage.sqlite import SqliteStore
from tests.server.analytics.day import BEGIN, day_of, remember
from tests.server.cameras import plate_row, v1_camera
from tests.server.conftest import Query
from tests.server.storage.history import plate
from tests.server.web.site import Site

DAY = timedelta(days=1)
WHOLE_DAY = {"from": "2026-03-01", "to": "2026-03-01"}


async def reader(site: Site, role: Role = Role.ADMIN) -> httpx.AsyncClient:
    session = await site.session(role)
    return site.browser(cookie=f"sightpost_centre={session}")


async def keep(site: Site, **given: Callable[[int], float]) -> None:
    """Two days of `ingest`: a quiet one, and one with what is given; and a camera of the first."""
    store = SqliteStore(site.house.path, site.house.path.parent / "pictures")
    try:
        await store.commit_group([plate(1, "AB1")], BEGIN)
    finally:
        await store.close()
    quiet = [replace(work, at=work.at - DAY) for work in day_of(seed=2)]
    remember(site.house.path, {"ingest": [*quiet, *day_of(**given)]})


async def asked(site: Site, **parameters: str) -> dict[str, Any]:
    async with await reader(site) as browser:
        answer = await browser.get("/api/v1/analytics/performance", params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_slow_hour_error_burst_and_silent_camera_are_each_told(site: Site) -> None:
    await keep(
        site,
        seconds=lambda minute: 1.5 if 600 <= minute < 660 else 0.05,
        errors=lambda minute: 0.4 if 900 <= minute < 910 else 0.002,
    )
    said = await asked(site, **WHOLE_DAY)
    (service,) = said["services"]
    assert service["service"] == "ingest"
    assert service["requests"] == pytest.approx(86_400, rel=0.01)
    episodes = {each["figure"]: each["begins_at"] for each in service["episodes"]}
    assert episodes["response"].startswith("2026-03-01T10:00")
    assert episodes["errors"].startswith("2026-03-01T15:00")
    assert set(service["score_parts"]) == {"response", "errors", "throughput", "resources"}
    told = [(each["severity"], each["subject"]) for each in said["insights"]]
    assert ("critical", "gate-1") in told
    assert ("critical", "ingest") in told
    assert all(each["advice"] for each in said["insights"])


async def test_a_quiet_day_scores_well(site: Site) -> None:
    await keep(site)
    said = await asked(site, **WHOLE_DAY)
    (service,) = said["services"]
    assert service["score"] > 95
    assert service["episodes"] == []
    assert [each["subject"] for each in said["insights"]] == ["gate-1"]


async def test_where_nothing_was_kept_nothing_is_told(site: Site) -> None:
    said = await asked(site, **WHOLE_DAY)
    assert said["services"] == []
    assert said["insights"] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"from": "2025-01-01", "to": "2026-03-01"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "yesterday"},
    ],
)
async def test_a_stretch_that_is_none_is_refused(site: Site, parameters: dict[str, str]) -> None:
    async with await reader(site) as browser:
        answer = await browser.get("/api/v1/analytics/performance", params=parameters)
    assert answer.status_code == 400


async def test_usage_counts_sightings_plates_and_people(site: Site) -> None:
    await site.house.user("vera")
    store = SqliteStore(site.house.path, site.house.path.parent / "pictures")
    try:
        rows = [
            plate(number, text, at=BEGIN + timedelta(hours=hours), device_id=camera)
            for number, text, hours, camera in (
                (1, "AB 1", -30, "gate-1"),  # the time before
                (2, "AB-1", 1, "gate-1"),
                (3, "CD2", 1, "gate-1"),
                (1, "AB1", 25, "gate-2"),
                (2, "EF3", 26, "gate-2"),
            )
        ]
        await store.commit_group(rows, BEGIN)
    finally:
        await store.close()
    await site.house.caller("vera")
    async with await reader(site) as browser:
        answer = await browser.get(
            "/api/v1/analytics/usage", params={"from": "2026-03-01", "to": "2026-03-02"}
        )
    said = answer.json()
    assert answer.status_code == 200, said
    assert (said["sightings"], said["sightings_before"], said["sightings_growth"]) == (4, 1, 3.0)
    assert said["by_day"] == {"2026-03-01": 2, "2026-03-02": 2}
    assert said["busiest_hours"] == [1, 2]
    assert said["by_camera"] == {"gate-1": 2, "gate-2": 2}
    assert said["plates"] == {"unique": 3, "returning": 1}
    assert said["demographics"] is None
    assert said["people"]["active"] >= 1
    assert said["people"]["adoption"]["sign-in"] > 0


def leaves(value: Any) -> list[str]:
    """Every value of a JSON document, as text."""
    if isinstance(value, dict):
        return [each for one in value.values() for each in leaves(one)]
    if isinstance(value, list):
        return [each for one in value for each in leaves(one)]
    return ["" if value is None else str(value)]


async def test_the_report_is_the_same_as_an_object_and_as_lines_and_is_audited(
    site: Site,
) -> None:
    await keep(site, seconds=lambda minute: 1.5 if 600 <= minute < 660 else 0.05)
    since = {"from": "2026-02-01", "to": "2026-03-01"}
    async with await reader(site) as browser:
        said = (await browser.get("/api/v1/analytics/report", params=since)).json()
        place = "/api/v1/analytics/report/export"
        as_json = await browser.get(place, params={**since, "format": "json"})
        as_csv = await browser.get(place, params={**since, "format": "csv"})
    assert as_json.json() == {**said, "made_at": as_json.json()["made_at"]}
    assert "report-20260201-" in as_csv.headers["content-disposition"]
    header, *lines = csv.reader(io.StringIO(as_csv.text.removeprefix("\ufeff"), newline=""))
    assert header == ["section", "subject", "figure", "value", "advice"]
    words = {cell.lstrip("'").replace("+00:00", "Z") for line in lines for cell in line}
    told = leaves(as_json.json())
    assert len(told) > 60
    missing = [each for each in told if each not in words and each != as_json.json()["made_at"]]
    assert missing == []
    assert {line[0] for line in lines if line[2] == "critical"} == {"insight"}
    entries = (await site.house.store.audit_page(action=Action.REPORT_TAKEN)).entries
    assert [(each.subject, each.detail[:4]) for each in entries] == [
        ("insights report", "csv,"),
        ("insights report", "json"),
    ]


async def test_people_at_work_are_those_whose_session_was_used_lately(site: Site) -> None:
    for name in ("vera", "otto"):
        await site.house.user(name)
        await site.house.caller(name)
    await site.house.caller("vera")  # with another browser
    now = site.house.clock.now()
    store = SqliteStore(site.house.path, site.house.path.parent / "pictures")
    try:
        assert await store.active_users(now - timedelta(minutes=5)) == 2
        assert await store.active_users(now + timedelta(minutes=5)) == 0
    finally:
        await store.close()


async def test_strangers_are_told_nothing(site: Site) -> None:
    async with site.browser() as browser:
        answer = await browser.get("/api/v1/analytics/performance")
    assert answer.status_code == 401


async def test_a_running_server_writes_down_what_it_did(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings, pace=Pace(minutes_s=0.1)) as server:
        async with v1_camera(server.ingest_port) as camera:
            await camera.exchange(plate_row(1), plate_row(2))
        async with asyncio.timeout(10):
            while not query("SELECT 1 FROM service_minutes WHERE requests > 0"):  # noqa: ASYNC110 - another thread writes
                await asyncio.sleep(0.02)
    kept = query("SELECT DISTINCT service FROM service_minutes ORDER BY service")
    assert [name for (name,) in kept] == [
        *("face_detection", "ingest", "plate_recognition", "server"),
    ]
