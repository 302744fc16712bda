"""A day with a slow hour, a burst of errors and a silent camera: each is in the analysis, in an
alert of what we ship, and on the pages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page, expect, sync_playwright
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.end_to_end.programs import Installation, installation
from tests.monitoring import bad_day
from tests.monitoring.bad_day import BURST, SILENT, SILENT_FROM, SLOW
from tests.monitoring.shipped import FOLDER, PROMTOOL
from tests.server.cameras import classic_camera, classic_detection
from wire.v1 import SUBPROTOCOL

CHROMIUM = shutil.which("chromium")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def begin() -> datetime:
    """Of the day, which ended with the last full hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, begin: datetime) -> Iterator[Installation]:
    """A server that kept the day."""
    with installation(tmp_path_factory.mktemp("day"), SERVER_PAGES="true") as made:
        made.server_database.parent.mkdir()
        asyncio.run(bad_day.remember_it(made.server_database, begin))
        made.settings["SERVER_TIME_ZONE"] = "UTC"
        made.start_server()
        yield made


def asked(place: Installation, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{place.web_port}{path}", timeout=30) as answer:
        return json.load(answer)


def test_each_is_in_the_analysis(place: Installation, begin: datetime) -> None:
    told = asked(place, "/api/v1/analytics/report")
    service = next(each for each in told["services"] if each["service"] == "ingest")
    found = {
        each["figure"]: datetime.fromisoformat(each["begins_at"]) for each in service["episodes"]
    }
    for figure, stretch in (("response", SLOW), ("errors", BURST)):
        expected = begin + timedelta(minutes=stretch[0])
        assert abs(found[figure] - expected) <= timedelta(minutes=5), figure
    silent_at = begin + timedelta(minutes=SILENT_FROM)
    of_camera = [each for each in told["insights"] if each["subject"] == SILENT]
    assert {each["severity"] for each in of_camera} == {"critical", "warning"}
    assert any(f"saw nothing from {silent_at:%Y-%m-%d %H:%M}" in each["text"] for each in of_camera)
    assert all(each["advice"] for each in told["insights"])


FIRING = 'count by (alertname, camera) (ALERTS{alertstate="firing"})'


@pytest.mark.system
@pytest.mark.skipif(PROMTOOL is None, reason="needs the Debian package prometheus")
def test_each_is_an_alert_while_it_lasts(tmp_path: Path) -> None:
    expected = {
        SLOW[0] - 5: [],
        SLOW[30]: ['{alertname="SlowResponses"}'],
        SLOW[-1] + 15: [],
        BURST[-1]: ['{alertname="HighErrorRate"}'],
        BURST[-1] + 15: [],
        SILENT_FROM + 14: [],
        SILENT_FROM + 20: [f'{{alertname="CameraSilent", camera="{SILENT}"}}'],
    }
    checks = [
        {
            "expr": FIRING,
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": labels, "value": 1} for labels in alerts],
        }
        for minute, alerts in expected.items()
    ]
    day = {"interval": "1m", "input_series": bad_day.recorded(), "promql_expr_test": checks}
    written = tmp_path / "day.yml"
    written.write_text(
        yaml.safe_dump(
            {
                "rule_files": [str(FOLDER / "alerts.yml")],
                "evaluation_interval": "1m",
                "tests": [day],
            }
        )
    )
    run = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(written)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture
def page(place: Installation) -> Iterator[Page]:
    """On a phone; nothing may complain."""
    if CHROMIUM is None:
        pytest.skip("Debian's package chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        opened = browser.new_page(viewport=PHONE)
        complaints: list[str] = []
        opened.on("console", lambda said: complaints.append(said.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.set_default_timeout(30_000)
        yield opened
        browser.close()
    assert complaints == []


def go(page: Page, place: Installation, path: str, heading: str) -> None:
    page.goto(f"http://127.0.0.1:{place.web_port}{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wide, f"{path} scrolls sideways on a phone"


@pytest.mark.system
def test_each_is_on_the_pages_and_the_tiles_live(page: Page, place: Installation) -> None:
    for path, heading in (("/performance", "Performance"), ("/report", "Report")):
        go(page, place, path, heading)
        known = page.get_by_role("region", name="To know")
        expect(known).to_contain_text(f"camera {SILENT} is not heard")
        expect(known).to_contain_text(f"camera {SILENT} saw nothing")
        expect(known).to_contain_text("response time (95%) up to")
        expect(known).to_contain_text("share of errors up to")
        expect(page.locator("[data-service=ingest]")).to_contain_text("Rows from cameras")
    expect(page.get_by_role("region", name="Changes")).to_contain_text("usually")
    expect(page.get_by_role("region", name="Cameras")).to_contain_text(SILENT)
    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV").click()
    text = Path(taken.value.path()).read_text("utf-8-sig")
    assert text.startswith("section,subject,figure,value,advice")
    assert f"camera {SILENT} is not heard" in text
    go(page, place, "/performance", "Performance")
    _beside(_pass_by(place))
    plates = page.locator(".tile", has_text="plates a minute").locator("b")
    expect(plates).not_to_have_text("0.0", timeout=20_000)


@pytest.mark.system
def test_what_goes_wrong_is_on_the_page_of_errors(page: Page, place: Installation) -> None:
    _beside(_misbehave(place))
    said = asked(place, "/api/v1/errors?severity=medium")
    assert [each["message"] for each in said["reports"]] == [
        "connection closed: the peer misbehaved"
    ]
    go(page, place, "/errors", "Errors")
    code = page.locator("[data-code=connection_closed]")
    expect(code.locator("td[data-name='Last hour']")).to_have_text("1")
    expect(page.get_by_role("region", name="Reports")).to_contain_text("the peer misbehaved")
    page.goto(f"http://127.0.0.1:{place.web_port}/errors?severity=critical")
    expect(page.get_by_role("region", name="Reports")).to_contain_text("Nothing of that kind")


def _beside(work: Any) -> None:
    """The browser's loop runs in this thread."""
    with ThreadPoolExecutor(1) as beside:
        beside.submit(asyncio.run, work).result()


async def _pass_by(place: Installation) -> None:
    async with classic_camera(place.port) as camera:
        await camera.ask(classic_detection())


async def _misbehave(place: Installation) -> None:
    address, spoken = f"ws://127.0.0.1:{place.port}/", [Subprotocol(SUBPROTOCOL)]
    async with connect(address, subprotocols=spoken, proxy=None) as line:
        await line.send("no hello")
        with contextlib.suppress(ConnectionClosed):
            await line.recv()
