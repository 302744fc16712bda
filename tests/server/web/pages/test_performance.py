"""The page of performance in a real browser: a day with trouble is told, and the tiles live."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from server.storage.adoption import prepare_database
from server.storage.sqlite import SqliteStore
from server.web.pages.performance import TILES, live_texts, score_level
from tests.end_to_end.programs import Installation, installation
from tests.server.analytics.day import BEGIN, day_of, remember
from tests.server.cameras import classic_camera, classic_detection
from tests.server.storage.history import plate

CHROMIUM = shutil.which("chromium")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")


@dataclass(frozen=True, slots=True)
class Walk:
    """A browser on the page of a server that kept a day with a slow hour and a burst of errors."""

    page: Page
    place: Installation
    complaints: list[str]


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    if CHROMIUM is None:
        pytest.skip("Debian's package chromium is not installed")
    with installation(tmp_path) as place:
        place.server_database.parent.mkdir()
        asyncio.run(_remember_a_day(place.server_database))
        place.start_server()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
            page = browser.new_page(viewport={"width": 390, "height": 844})
            complaints: list[str] = []
            page.on("console", lambda said: complaints.append(said.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(f"http://127.0.0.1:{place.web_port}/performance")
            yield Walk(page, place, complaints)
            browser.close()


async def _remember_a_day(database: Path) -> None:
    now = datetime.now(UTC)
    prepare_database(database, zone_of=lambda _: UTC, now=now)
    store = SqliteStore(database, database.parent / "pictures")
    try:
        await store.commit_group([plate(1, "AB1")], now - timedelta(hours=5))
    finally:
        await store.close()
    day = day_of(
        seconds=lambda minute: 1.5 if 600 <= minute < 660 else 0.05,
        errors=lambda minute: 0.4 if 900 <= minute < 910 else 0.002,
    )
    begin = now - timedelta(days=1)
    remember(database, {"ingest": [replace(work, at=work.at - BEGIN + begin) for work in day]})


@pytest.mark.system
def test_a_day_with_trouble_is_told_and_the_tiles_live(walk: Walk) -> None:
    page = walk.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Performance")
    known = page.get_by_role("region", name="To know")
    expect(known).to_contain_text("camera gate-1 is not heard")
    expect(known).to_contain_text("response time (95%) up to")
    expect(known).to_contain_text("share of errors up to")
    service = page.locator("[data-service=ingest]")
    expect(service).to_contain_text("Rows from cameras")
    expect(service.locator("td[data-name=Score]")).to_have_text("94")
    assert page.locator("figure svg").count() == 3
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wide, "the page scrolls sideways on a phone"
    with ThreadPoolExecutor(1) as beside:  # the browser's loop runs in this thread
        beside.submit(asyncio.run, _pass_by(walk.place)).result()
    plates = page.locator(".tile", has_text="plates a minute").locator("b")
    expect(plates).not_to_have_text("0.0", timeout=20_000)
    assert walk.complaints == []


async def _pass_by(place: Installation) -> None:
    async with classic_camera(place.port) as camera:
        await camera.ask(classic_detection())


def test_tiles_say_nothing_where_nothing_is_known() -> None:
    overall = dict.fromkeys(("response_time_95th", "success_rate"))
    assert live_texts({"overall": overall, "plate_recognition": {}}) == dict.fromkeys(TILES, "–")


@pytest.mark.parametrize(
    ("score", "level"), [(None, None), (95.0, None), (79.0, "warn"), (20.0, "bad")]
)
def test_score_is_marked_as_advice_speaks(score: float | None, level: str | None) -> None:
    assert score_level(score) == level
