"""People in a real browser: enrolled, identified, said not to be somebody, named, forgotten."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Final

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.end_to_end.programs import Installation, installation
from tests.extent import tries_everything
from tests.server.cameras import row_id, v1_camera
from tests.server.faces.face_camera import MIDDLE
from tests.server.faces.tiny_faces import BLUE, RED, SIDE, networks, photo, png
from tests.server.storage.databases import Databases
from tests.server.web.pages.browsing import ADMIN, DESKTOP, PHONE, launched

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system]

DATABASES: Final = ("postgres", "sqlite") if tries_everything() else ("postgres",)
"""Other walks through the pages are on SQLite."""
NAME: Final = "Nguyễn Thị <b>Lan</b>"
"""Markup stays text."""
ALIKE: Final = (0.3, 0.3, 1.0)
"""Somebody who is taken for the red person, and is another."""


@pytest.fixture(scope="module", params=DATABASES)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("people")
    networks(folder / "models").close()
    given = {"SERVER_PAGES": "true", "SERVER_FACES": "true", "SERVER_FACE_VISITOR_DAYS": "30"}
    if request.param == "postgres":
        databases: Databases = request.getfixturevalue("databases")
        given["SERVER_DATABASE_URL"] = databases.migrated()
    with installation(folder, **given) as running:
        running.start_server()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(place: Installation) -> AsyncIterator[Page]:
    """Signed in as the administrator; nothing may complain, nothing come from elsewhere."""
    found = re.search(r"http://\S+/setup\?key=\S+", place.output_of("server"))
    assert found is not None
    complaints: list[str] = []
    async with launched() as browser:
        context = await browser.new_context(
            viewport={"width": DESKTOP[0], "height": DESKTOP[1]},
            color_scheme="light",
            reduced_motion="reduce",
        )
        opened = await context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on(
            "console",
            lambda said: (
                complaints.append(f"{said.text} {said.location}")
                if said.type in ("error", "warning")
                else None
            ),
        )
        await opened.goto(found.group())
        await opened.get_by_label("Name to sign in with").fill(ADMIN[0])
        await opened.get_by_label("Password").fill(ADMIN[1])
        await opened.get_by_role("button", name="Make the account").click()
        await expect(opened.get_by_role("heading", level=1)).to_have_text("Overview")
        yield opened
    assert not complaints


def url(place: Installation, path: str) -> str:
    return f"http://127.0.0.1:{place.web_port}{path}"


async def camera_sees(place: Installation, number: int, picture: bytes) -> None:
    row = {
        "table": "face_detection",
        "id": row_id(number),
        "sequence": number,
        "captured_at": f"2026-03-01T08:00:{number:02d}+07:00",
        "data": {
            "confidence": 97.0,
            "quality": 0.8,
            "box": list(MIDDLE),
            "image": base64.b64encode(picture).decode(),
            "evidence": {"frame_size": [SIDE, SIDE], "box": list(MIDDLE)},
        },
    }
    async with v1_camera(place.port, proxy=None, compression=None) as camera:
        (result,) = await camera.ask(row)
        assert result["success"], json.dumps(result)


async def drop(page: Page, *pictures: tuple[str, bytes]) -> None:
    files = [
        {"name": name, "mimeType": "image/png", "buffer": content} for name, content in pictures
    ]
    await page.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]


def flat() -> bytes:
    return png(np.full((SIDE, SIDE, 3), 128, np.uint8))


async def until_shown(page: Page, address: str, wanted: Locator) -> None:
    """What the server does by itself is there when the page is loaded again."""
    for _ in range(60):
        await page.goto(address)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        if await wanted.count():
            return
    raise AssertionError(f"never shown on {address}")


async def test_people_are_enrolled_identified_denied_named_and_forgotten(
    page: Page, place: Installation
) -> None:
    await page.goto(url(place, "/people"))
    await expect(page.get_by_role("heading", name="Nobody is enrolled yet")).to_be_visible()
    await page.get_by_role("link", name="Enrol somebody").click()
    several = [(f"red{seed}.png", photo(RED, seed=seed)) for seed in (30, 31, 32)]
    await drop(page, ("red.png", photo(RED)), ("flat.png", flat()), *several)
    pictures = page.get_by_role("region", name="Pictures")
    await expect(pictures.locator(".shot[data-good=true]")).to_have_count(4)
    await expect(pictures.locator(".shot[data-good=false]")).to_contain_text("without contrast")
    await page.get_by_label("Name", exact=True).fill(NAME)
    await page.get_by_label("Recognised for").fill("staff")
    await page.get_by_label("Consent").fill("signed")
    await page.get_by_role("button", name="Enrol", exact=True).click()
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text(NAME)
    await expect(page.get_by_role("region", name="Facts")).to_contain_text("staff")
    await expect(page.locator("[data-picture]")).to_have_count(4)

    await page.get_by_role("link", name="People", exact=True).click()
    await page.get_by_role("link", name="Identify").click()
    await drop(page, ("other.png", photo(ALIKE, seed=3)))
    face = page.get_by_role("region", name="Face 1")
    await expect(face.locator("header .tag")).to_have_text("known")
    await expect(page.locator(".picture .box b")).to_contain_text(NAME)

    await face.get_by_role("button", name="Not this person").click()
    await page.locator(".sheet:visible").get_by_role("button", name="Not this person").click()
    await expect(face.locator("header .tag")).to_have_text("unknown")
    await expect(face).to_contain_text("said not to be them")
    way = page.get_by_role("alert").get_by_role("link", name="To their page")
    await expect(way).to_have_attribute("href", re.compile(r"/people/\d+$"))

    await camera_sees(place, 1, photo(BLUE))
    await camera_sees(place, 2, photo(RED, seed=9))
    card = page.locator("[data-visitor]")
    await until_shown(page, url(place, "/people/unknown"), card)
    await card.get_by_role("link", name="Name").click()
    await expect(page.locator(".shot[data-good=true]")).to_have_count(1)
    await page.get_by_label("Name", exact=True).fill("Minh")
    await page.get_by_role("button", name="Enrol", exact=True).click()
    await expect(heading).to_have_text("Minh")
    await expect(
        page.get_by_role("region", name="Seen by cameras").locator("tbody tr")
    ).to_have_count(1)
    matched = page.locator("[data-match]", has_text=NAME)
    await until_shown(page, url(place, "/people/matches?person=nguyễn"), matched)
    await expect(page.locator("[data-match]")).to_have_count(1)
    await expect(page.get_by_label("Person")).to_have_value("nguyễn")
    await expect(page.get_by_role("region", name="By day")).to_contain_text("days in Asia/Bangkok")
    await matched.get_by_role("link", name="Look").click()
    shown = page.get_by_role("region", name="Picture")
    await expect(shown.locator("header a")).to_have_attribute("href", re.compile("^/cameras/"))
    await expect(shown.locator("header .number")).to_contain_text(re.compile(r"\d\d:\d\d"))
    await page.get_by_role("link", name="← Back").click()
    await expect(page.get_by_label("Person")).to_have_value("nguyễn")
    await matched.get_by_role("link", name=NAME).click()
    await expect(heading).to_have_text(NAME)

    denied = page.get_by_role("region", name="Said not to be them")
    await expect(denied.locator("tbody tr")).to_contain_text(["a picture that was shown"])
    await expect(denied).to_contain_text(ADMIN[0])
    await denied.get_by_role("button", name="Take back").click()
    await page.locator(".sheet:visible").get_by_role("button", name="Take back").click()
    await expect(denied).to_have_count(0)

    await page.get_by_role("button", name="Forget").click()
    await page.locator(".sheet:visible").get_by_role("button", name="Forget").click()
    await expect(heading).to_have_text("Person 1 is forgotten")
    await expect(page.get_by_role("status")).to_contain_text("nothing left")
    await page.goto(url(place, "/people/identify"))
    await drop(page, ("red.png", photo(RED)))
    await expect(face.locator("header .tag")).to_have_text("unknown")
    await expect(face).not_to_contain_text(NAME)
    await drop(page, ("torn.png", photo(RED)[:100]))
    await expect(page.locator("p.problem")).to_contain_text("torn.png")
    await expect(face).to_have_count(0)
    wrong = await page.request.get(url(place, "/query"))
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
    assert (await wrong.json())["status"] == "error"
    await page.goto(url(place, "/audit?action=person+forgotten"))
    await expect(page.get_by_role("region", name="Entries")).to_contain_text("person 1")


async def test_two_numbers_are_merged_after_a_second_look(page: Page, place: Installation) -> None:
    await page.goto(url(place, "/people/new"))
    await drop(page, ("blue.png", photo(BLUE, seed=5)))
    await expect(page.locator(".shot[data-good=true]")).to_have_count(1)
    await page.get_by_label("Name", exact=True).fill("Minh again")
    await page.get_by_role("button", name="Enrol", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Minh again")
    await page.get_by_role("button", name="Merge").click()
    sheet = page.locator(".sheet:visible")
    await sheet.get_by_label("Number of the other").fill("2")
    await sheet.get_by_role("button", name="Go on").click()
    await expect(sheet.last).to_contain_text("Minh (2), 1 picture, becomes part of Minh again (3)")
    await sheet.get_by_role("button", name="Merge").click()
    await expect(page.locator("[data-picture]")).to_have_count(2)
    for number, matches in (("3", 1), ("33", 0)):
        await page.goto(url(place, f"/people/matches?person={number}"))
        await expect(page.get_by_label("Person")).to_have_value(number)
        await expect(page.locator("[data-match]")).to_have_count(matches)
    await page.goto(url(place, "/people"))
    await expect(page.locator("[data-person]")).to_have_count(1)


async def test_the_pages_of_people_fit_a_phone(page: Page, place: Installation) -> None:
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for path in ("", "/new", "/identify", "/identify?sighting=1", "/matches", "/unknown", "/3"):
        await page.goto(url(place, f"/people{path}"))
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
        for views in await page.locator(".switch").all():
            assert await views.evaluate("it => it.scrollWidth <= it.clientWidth"), path
        await expect(page.get_by_role("link", name="People", exact=True)).to_be_in_viewport()
