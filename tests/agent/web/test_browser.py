"""The pages in a real browser: Chromium, one for all tests here."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Dialog, Page, async_playwright, expect

from tests.agent.outbox.sightings import face, plate
from tests.agent.web.camera import Camera, running_camera
from tests.agent.web.conftest import PLATES

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system]

DESKTOP: Final = (1280, 800)
PHONE: Final = (390, 844)
PAGES: Final = {
    "/": "Live",
    "/detection": "Sightings",
    "/health": "Health",
    "/websocket": "Sender",
    "/settings": "Settings",
    "/docs": "REST reference",
}
OPTIONS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
MARKUP: Final = "<script>alert(1)</script>"
DOT: Final = "one => getComputedStyle(one, '::before').backgroundColor"
PASSWORD: Final = "correct horse battery"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's package chromium is not installed")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        yield running
        await running.close()


async def _opened(browser: Browser, size: tuple[int, int] = DESKTOP) -> BrowserContext:
    return await browser.new_context(viewport={"width": size[0], "height": size[1]})


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, camera: Camera) -> AsyncIterator[Page]:
    """A page in which nothing may complain: no error, no breach of its policy, no dialog, and
    nothing that comes from elsewhere."""
    context = await _opened(browser)
    opened = await context.new_page()
    complaints: list[str] = []
    _listen(opened, camera.url, complaints)
    yield opened
    await context.close()
    assert not complaints


def _listen(page: Page, home: str, complaints: list[str]) -> None:
    page.on(
        "request",
        lambda asked: None if asked.url.startswith(home) else complaints.append(asked.url),
    )

    async def dismiss(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", dismiss)
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )


async def test_each_page_shows_itself_without_a_complaint(page: Page, camera: Camera) -> None:
    for path, name in PAGES.items():
        await page.goto(camera.url + path)
        await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        await expect(page).to_have_title(f"{name} · Sightpost")


async def test_every_page_fits_a_phone(browser: Browser, camera: Camera) -> None:
    context = await _opened(browser, PHONE)
    page = await context.new_page()
    newest = camera.parts.outbox.counts().captured and "/detection/1"
    for path in (*PAGES, newest):
        await page.goto(camera.url + path)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE[0], path
        await expect(page.get_by_role("link", name="Sightings", exact=True)).to_be_in_viewport()
    await context.close()


async def test_a_camera_that_never_gave_a_picture_says_why_on_its_page(
    browser: Browser, tmp_path: Path
) -> None:
    context = await _opened(browser)
    page = await context.new_page()
    async with running_camera(tmp_path, source="v4l2:/dev/no-such-camera") as camera:
        await page.goto(camera.url)  # to its end: a stream without a picture would hold it up
        problem = page.locator("[data-value=source_error]")
        await expect(problem).to_contain_text("check that the device exists")
        await expect(page.get_by_text("No picture yet").first).to_be_visible()
        await expect(page.locator("#video-note")).to_be_visible()
        await expect(page.locator("[data-view=camera]")).to_have_attribute("data-on", "no")
        await context.close()


async def test_a_source_that_has_ended_says_so_beside_its_last_picture(
    browser: Browser, tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    picture = np.full((90, 160, 3), 120, np.uint8)
    (pictures / "1.jpg").write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    context = await _opened(browser)
    page = await context.new_page()
    async with running_camera(tmp_path, source=f"images:{pictures}") as camera:
        await page.goto(camera.url)
        await expect(page.locator("[data-view=camera]")).to_have_text("The source has ended")
        await expect(page.locator("#video")).to_have_js_property("naturalWidth", 160)
        await expect(page.locator("#video-note")).to_be_hidden()
        await expect(page.locator("[data-view=reading]")).to_have_attribute("data-on", "no")
        await page.get_by_role("button", name="Stop camera").click()
        await page.get_by_role("button", name="Start camera").click()
        said = "the source has ended: restart the agent to play it again"
        await expect(page.locator("#toast")).to_have_text(said)
        await expect(page.locator("#toast")).to_have_attribute("data-status", "error")
        await page.goto(camera.url)  # also where the end came before the page
        await expect(page.locator("#video")).to_have_js_property("naturalWidth", 160)
        await context.close()


async def test_a_camera_that_does_not_answer_is_marked_until_it_does_and_shown_anew_then(
    browser: Browser, camera: Camera
) -> None:
    context = await _opened(browser)
    page = await context.new_page()
    await page.goto(camera.url + "/")
    video, old = page.locator("#video"), page.locator(".screen-old")
    state = page.locator("[data-view=camera]")
    await expect(video).to_have_attribute("src", re.compile("^/video_feed"))
    await expect(state).to_have_text("Camera on")
    await expect(page.locator("#silent")).to_be_hidden()
    good = await state.evaluate(DOT)
    await context.route("**/api/v1/status", lambda route: route.abort())
    since = re.compile(r"^The camera does not answer since \d\d:\d\d:\d\d: what is shown is old\.$")
    await expect(page.get_by_role("alert")).to_have_text(since)
    await expect(old).to_have_text(re.compile("^The last picture, from"))
    assert await state.evaluate(DOT) != good
    assert "grayscale" in await video.evaluate("one => getComputedStyle(one).filter")
    async with page.expect_request("**/video_feed*"):
        await context.unroute("**/api/v1/status")
    await expect(page.locator("#silent")).to_be_hidden()
    await expect(old).to_have_text("")
    assert await state.evaluate(DOT) == good
    await context.close()


async def test_every_page_counts_what_is_not_well_and_the_live_one_tells_of_the_link(
    page: Page, camera: Camera
) -> None:
    await page.goto(camera.url + "/health")
    await page.get_by_role("button", name="Check now").click()
    badge = page.locator("#health-badge")
    await expect(badge).to_be_visible()  # nothing listens at the server's address
    unwell = page.locator("#components .tag:not([data-status=PASS])")
    await expect(badge.locator("b")).to_have_text(str(await unwell.count()))
    await page.goto(camera.url + "/settings")
    await expect(badge).to_be_visible()
    await page.goto(camera.url + "/")
    link = page.locator("[data-link-short]")
    await expect(link).to_have_text(re.compile("offline|connecting|backing off"))


async def test_a_plate_that_is_markup_is_shown_as_text(page: Page, camera: Camera) -> None:
    await page.goto(camera.url + "/")
    link = page.locator("#latest").get_by_role("link", name=MARKUP)
    await expect(link).to_be_visible()
    await page.goto(camera.url + "/detection")
    await page.get_by_role("link", name=MARKUP).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)


async def test_what_passes_appears_beside_the_live_picture_without_a_reload(
    page: Page, camera: Camera
) -> None:
    await page.goto(camera.url + "/")
    await page.evaluate("window.isTheSame = true")
    await expect(page.locator("#latest").get_by_role("link", name="NEW 1")).to_have_count(0)
    await page.wait_for_function("document.querySelector('[data-value=waiting]').textContent > 0")
    await page.wait_for_function("document.getElementById('video').naturalWidth > 0")
    camera.pass_by("NEW 1<b>")
    await expect(page.locator("#latest").get_by_role("link", name="NEW 1<b>")).to_be_visible()
    assert await page.evaluate("window.isTheSame")


async def test_the_sender_is_stopped_started_and_restarted(page: Page, camera: Camera) -> None:
    assert camera.tasks.sending is not None
    await page.goto(camera.url + "/websocket")
    state = page.locator("[data-state=sender]")
    await page.get_by_role("button", name="Stop").click()
    await expect(state).to_have_attribute("data-on", "no")
    await expect(page.locator("#link-state")).to_have_text("stopped")
    assert not camera.tasks.sending.is_on
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(state).to_have_attribute("data-on", "yes")
    await page.get_by_role("button", name="Restart").click()
    await expect(page.locator("#toast")).to_have_text("sender restarted")
    assert camera.tasks.sending.is_on


async def test_the_kinds_of_rows_that_wait_are_counted_on_without_a_reload(
    page: Page, camera: Camera
) -> None:
    await page.goto(camera.url + "/websocket")
    kinds = page.locator("#waiting-kinds")
    await expect(kinds).not_to_contain_text("faces")
    camera.parts.outbox.record_face(face())
    await expect(kinds).to_contain_text("1 faces")


async def test_times_are_the_devices_own_and_named_wherever_the_browser_is(
    browser: Browser, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert camera.parts.sender is not None
    assert camera.tasks.sending is not None
    with monkeypatch.context() as moved:
        moved.setenv("TZ", "Asia/Bangkok")
        time.tzset()
        context = await browser.new_context(timezone_id="America/New_York")
        page = await context.new_page()
        await page.goto(camera.url + "/websocket")
        await expect(page.locator("footer")).to_contain_text("this device's clock, UTC+07:00")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator("#link-state")).to_have_text("stopped")
        since = camera.parts.sender.status.link.since.astimezone(ZoneInfo("Asia/Bangkok"))
        await expect(page.locator("#link-since")).to_have_text(f"since {since:%H:%M:%S}")
        readings = [{"text": "UTC 1", "confidence": 0.9, "at": "2026-03-04T12:00:01+00:00"}]
        sighting = replace(plate("UTC 1"), evidence={"model": "test-1", "readings": readings})
        camera.parts.outbox.record_plate(sighting)
        await page.goto(camera.url + "/detection?search=UTC")
        await page.get_by_role("link", name="UTC 1").click()
        await expect(page.get_by_role("cell", name="19:00:01")).to_be_visible()
        await context.close()
    time.tzset()
    await camera.tasks.sending.start()


async def test_sightings_are_filtered_and_exported(
    page: Page, camera: Camera, tmp_path: Path
) -> None:
    await page.goto(camera.url + "/detection")
    rows = page.locator("table.sightings tbody tr")
    await page.get_by_label("Plate").fill("56660")
    await page.get_by_role("button", name="Show").click()
    await expect(rows).to_have_count(2)
    await expect(page.locator("#total")).to_have_text("2")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Export CSV").click()
    await (await downloading.value).save_as(tmp_path / "sightings.csv")
    exported = (tmp_path / "sightings.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[2] for line in exported[1:]] == ["WA56660", "WA56660"]
    await page.get_by_label("Plate").fill("no such plate")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()


async def test_sightings_are_sorted_by_their_headings(page: Page, camera: Camera) -> None:
    await page.goto(camera.url + "/detection")
    await page.get_by_role("link", name="Plate", exact=True).click()
    await page.get_by_role("link", name="Plate", exact=True).click()
    texts = await page.locator("table.sightings a.plate").all_text_contents()
    assert texts == sorted(texts)
    assert set(PLATES) <= set(texts)


async def test_health_is_checked_at_once(page: Page, camera: Camera) -> None:
    await page.goto(camera.url + "/health")
    await page.get_by_role("button", name="Check now").click()
    await expect(page.locator("#components").get_by_text("camera", exact=True)).to_be_visible()
    await page.reload()
    await expect(page.locator(".history rect").first).to_be_attached()


async def test_a_zone_is_drawn_by_mouse_and_a_line_by_keyboard(page: Page, camera: Camera) -> None:
    await page.goto(camera.url + "/settings")
    await page.wait_for_function("document.getElementById('still').naturalWidth > 0")
    save = page.get_by_role("button", name="Save").first
    await expect(save).to_be_in_viewport(ratio=1)  # below the picture, and in sight with it
    box = await page.locator("#drawing").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
    await page.mouse.down()
    await page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    await page.mouse.up()
    await page.get_by_role("button", name="Add line").click()
    await expect(page.get_by_role("button", name="line, corner 1")).to_be_focused()
    await page.keyboard.press("Shift+ArrowUp")
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.locator("#toast")).to_have_text("Zones and line saved and in force")
    (zone,), line = camera.parts.tuning.current.zones, camera.parts.tuning.current.line
    corners = [(0.2, 0.3), (0.6, 0.3), (0.6, 0.8), (0.2, 0.8)]
    assert [(round(x, 1), round(y, 1)) for x, y in zone.points] == corners
    assert line is not None
    assert line.start == pytest.approx((0.25, 0.55))
    await page.reload()
    await expect(page.locator("#drawing polygon")).to_have_count(1)
    await page.get_by_role("button", name="Zone 1, corner 1").focus()
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.locator("#toast")).to_have_class("shown")
    assert camera.parts.tuning.current.zones == ()


async def test_a_zone_is_drawn_with_a_finger(browser: Browser, camera: Camera) -> None:
    context = await browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True
    )
    page = await context.new_page()
    await page.goto(camera.url + "/settings")
    await page.get_by_role("button", name="Add zone").tap()
    await expect(page.locator("#drawing polygon")).to_have_count(1)
    box = await page.get_by_role("button", name="Zone 1, corner 1").bounding_box()
    assert box is not None
    touches = await context.new_cdp_session(page)
    # A finger hits beside the corner and moves it all the same.
    x, y = box["x"] + box["width"] / 2 - 12, box["y"] + box["height"] / 2 - 8
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x - 40, "y": y}]),
        ("touchEnd", []),
    ):
        await touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    moved = await page.get_by_role("button", name="Zone 1, corner 1").bounding_box()
    assert moved is not None
    assert box["x"] - moved["x"] == pytest.approx(40, abs=3)
    await context.close()


async def test_a_drawing_that_is_not_saved_is_not_left_without_a_question(
    browser: Browser, camera: Camera
) -> None:
    context = await _opened(browser)
    page = await context.new_page()
    await page.goto(camera.url + "/settings")
    await page.get_by_role("button", name="Add zone").click()
    asked: list[str] = []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.get_by_role("link", name="Sender", exact=True).click(no_wait_after=True)
    await expect(page.locator("#drawing polygon")).to_have_count(1)
    await page.get_by_role("button", name="Remove").click()
    assert asked == ["beforeunload"]
    assert page.url.endswith("/settings")
    page.remove_listener("dialog", stay)
    await context.close()


async def test_a_setting_is_saved_and_in_force(page: Page, camera: Camera) -> None:
    await page.goto(camera.url + "/settings")
    await page.get_by_label("Same passage within, s").fill("12")
    await page.locator("#reading").get_by_role("button", name="Save").click()
    await expect(page.locator("#toast")).to_have_text("Reading saved and in force")
    assert camera.parts.tuning.effective.cooldown_s == 12
    await page.get_by_label("Brightness").fill("0.3")
    await page.locator("#camera").get_by_role("button", name="Save").click()
    await expect(page.locator("#toast")).to_have_text("Camera saved and in force")
    assert camera.parts.tuning.effective.camera.brightness == 0.3


async def test_what_the_camera_refuses_is_told_where_it_was_written(
    browser: Browser, camera: Camera
) -> None:
    context = await _opened(browser)
    page = await context.new_page()
    await page.goto(camera.url + "/settings")
    await page.get_by_label("Brightness").fill("9")
    await page.evaluate("document.getElementById('camera').noValidate = true")
    await page.locator("#camera").get_by_role("button", name="Save").click()
    said = "camera.brightness: expected at most 1, got 9"
    await expect(page.locator("#camera .problem")).to_contain_text(said)
    await context.close()


async def test_the_page_is_dark_by_wish_and_by_its_switch(browser: Browser, camera: Camera) -> None:
    context = await browser.new_context(color_scheme="dark")
    page = await context.new_page()
    ground = "getComputedStyle(document.body).backgroundColor"
    await page.goto(camera.url + "/health")
    assert await page.evaluate(ground) == "rgb(13, 17, 22)"
    await page.get_by_role("button", name="Dark or light").click()
    assert await page.evaluate(ground) == "rgb(244, 246, 248)"
    await page.reload()
    assert await page.evaluate(ground) == "rgb(244, 246, 248)"
    await context.close()


async def test_the_keyboard_reaches_content_and_pages(page: Page, camera: Camera) -> None:
    await page.goto(camera.url + "/health")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    for _ in range(3):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sightings")


async def test_the_operator_logs_in_and_out(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("locked")
    async with running_camera(folder, password=PASSWORD, host="0.0.0.0") as locked:  # noqa: S104 - told, not bound
        context = await _opened(browser)
        page = await context.new_page()
        await page.goto(locked.url + "/detection")
        await page.get_by_label("Password").fill("wrong password")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sightings")
        await page.get_by_role("link", name="Sender", exact=True).click()
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator("[data-state=sender]")).to_have_attribute("data-on", "no")
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_label("Password")).to_be_visible()
        await context.close()
