"""The centre's pages in a real browser, on what a real agent sent: whole walks, desk and phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw
import pytest
from playwright.async_api import Browser, Page, expect

from tests.server.web.pages.browsing import ADMIN, DESKTOP, PHONE, context_of, listening
from tests.server.web.pages.site import HOSTILE, LONG, MARKUP, SOURCE, THAI, Site, running_site

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system]
PAGES: Final = {
    "/": "Overview",
    "/sightings": "Sightings",
    "/sightings?view=table": "Sightings",
    "/alerts": "Alerts",
    "/watchlists": "Watchlists",
    "/channels": "Channels",
    "/cameras": "Cameras",
    "/data": "Data",
    "/performance": "Performance",
    "/report": "Report",
    "/errors": "Errors",
    "/account": "Account",
    "/users": "Users",
    "/audit": "Audit log",
}
TOLD: Final = "(image) => getComputedStyle(image.parentElement, '::after').content"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


async def test_the_overview_shows_cameras_and_what_passes_without_a_reload(
    page: Page, site: Site
) -> None:
    await page.goto(site.url)
    board = page.get_by_role("region", name="Cameras")
    await expect(board.get_by_role("link", name=f"classic:{HOSTILE}")).to_be_visible()
    await expect(board.locator("tbody tr")).to_have_count(2)
    latest = page.get_by_role("region", name="Latest sightings")
    await expect(latest.locator(".plate", has_text=MARKUP)).to_be_visible()
    await expect(latest.locator(".plate", has_text=THAI)).to_be_visible()
    await expect(latest.locator(".plate", has_text=site.plates[0])).to_be_visible()
    await expect(
        page.get_by_role("region", name="Sightings per minute").locator("svg")
    ).to_be_visible()
    await page.evaluate("window.isTheSame = true")
    await site.passes_by("NEW 1<b>")
    await expect(latest.locator(".plate").first).to_have_text("NEW 1<b>")
    assert await page.evaluate("window.isTheSame")


async def test_what_stands_still_or_is_not_there_is_told_until_it_is_back(
    page: Page, site: Site
) -> None:
    gone = "**/api/v1/sightings/*/picture"
    await page.route(gone, lambda asked: asked.fulfill(content_type="image/jpeg", body=b""))
    await page.goto(site.url)
    await expect(page.get_by_text("live ·")).to_be_visible()
    broken = page.locator(".shot img[data-broken]")
    await expect(broken.first).to_be_hidden()
    assert "picture not loaded" in await broken.first.evaluate(TOLD)
    await page.unroute(gone)
    await page.evaluate("window.socket.disconnect()")
    await expect(page.get_by_text("Connection lost.")).to_be_visible()
    await expect(page.get_by_text("live ·")).to_be_hidden()
    await page.evaluate("window.socket.connect()")
    await expect(page.get_by_text("live ·")).to_be_visible()
    await expect(broken).to_have_count(0)


async def test_a_plate_is_searched_looked_at_and_corrected(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/sightings")
    await page.keyboard.press("/")
    await page.keyboard.type(f"{site.plates[0][:4]}*")
    await page.keyboard.press("Enter")
    await expect(page.locator("#found")).to_have_text("1 found")
    assert "plate=" in page.url
    assert "from=" not in page.url
    card = page.locator(".shot")
    assert await card.locator("img").evaluate("image => image.decode().then(() => true)")
    await card.click()
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text(site.plates[0])
    await expect(
        page.get_by_role("region", name="Readings").locator("tbody tr").first
    ).to_be_visible()
    characters = page.get_by_role("region", name="Character by character").locator("li b")
    assert "".join(await characters.all_text_contents()) == site.plates[0].replace(" ", "")
    await expect(page.locator(".picture .box")).to_be_visible()
    await page.keyboard.press("c")
    await page.get_by_label("Plate").fill("RIGHT 1")
    await page.get_by_label("Why").fill("read from the picture")
    await page.get_by_role("button", name="Save").click()
    await expect(heading).to_have_text("RIGHT 1")
    history = page.get_by_role("region", name="Corrections")
    await expect(history).to_contain_text(f"The camera read {site.plates[0]}")
    await expect(history).to_contain_text(ADMIN[0])
    await page.goto(f"{site.url}/sightings?plate=RIGHT1&view=table")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="RIGHT 1").click()
    await page.get_by_role("button", name="Undo").click()
    await expect(heading).to_have_text(site.plates[0])


async def test_the_keyboard_walks_through_what_was_found(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/sightings?camera=classic:{HOSTILE}")
    plates = await page.locator(".shot .plate").all_text_contents()
    assert {MARKUP, THAI, LONG, "=1+1"} <= set(plates)
    before_last = await page.locator(".shot").nth(-2).get_attribute("data-sighting")
    await page.locator(".shot").first.click()
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text(plates[0])
    for plate in plates[1:]:
        await page.keyboard.press("ArrowRight")
        await expect(heading).to_have_text(plate)
    await expect(page.get_by_role("button", name="next sighting")).to_be_disabled()
    await page.keyboard.press("ArrowLeft")
    await expect(heading).to_have_text(plates[-2])
    await expect(page).to_have_url(re.compile(f"/sightings/{before_last}[?]"))
    await page.reload()
    await expect(heading).to_have_text(plates[-2])
    await page.keyboard.press("Escape")
    await expect(page.locator(".shot").first).to_be_visible()


async def test_what_was_found_is_taken_away_with_progress(
    page: Page, site: Site, tmp_path: Path
) -> None:
    await page.goto(f"{site.url}/sightings?camera=classic:{HOSTILE}")
    count = await page.locator(".shot").count()
    await page.get_by_role("button", name="Export").click()
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="CSV").click()
    taken = await downloading.value
    assert re.fullmatch(r"sightings-\d{8}T\d{6}Z\.csv", taken.suggested_filename)
    await taken.save_as(tmp_path / "sightings.csv")
    await expect(page.get_by_role("status")).to_have_text(f"{count} rows saved")
    lines = (tmp_path / "sightings.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == count + 1
    assert any(MARKUP in line and THAI not in line for line in lines)
    assert not any(line.split(",")[2].startswith(("=", '"=')) for line in lines)


async def test_nothing_matches_and_wrong_addresses_are_told(
    browser: Browser, site: Site, admin: Any
) -> None:
    context = await context_of(browser, admin, DESKTOP)
    page = await context.new_page()
    await page.goto(f"{site.url}/sightings?plate=NOSUCHPLATE")
    await expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    for path, status, text in (
        ("/sightings?least=many", 400, "expected a valid number"),
        ("/sightings/99999999", 404, "99999999"),
        ("/cameras/nobody", 404, "There is no camera 'nobody'"),
        ("/no/such/page", 404, "There is no such page"),
    ):
        answer = await page.goto(site.url + path)
        assert answer is not None
        assert answer.status == status, path
        await expect(page.locator(".empty")).to_contain_text(text)
        await expect(page.get_by_role("link", name="Sightings", exact=True)).to_be_visible()
    answer = await page.goto(f"{site.url}/api/v1/no/such/path")
    assert answer is not None
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "nothing is at /api/v1/no/such/path" in (await answer.json())["detail"]
    await context.close()


async def test_a_camera_shows_its_health_its_books_and_its_settings(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/cameras")
    names = page.locator("tbody a.name")
    await expect(names).to_have_count(2)
    await names.filter(has_not_text="classic:").click()
    await expect(page.locator("tr[data-component=camera]")).to_contain_text("PASS")
    await expect(page.locator("tr[data-component=camera] small")).to_contain_text("ago")
    await page.get_by_role("link", name="Nothing missing").click()
    await expect(page.get_by_role("status")).to_contain_text("Nothing is missing")
    says = page.get_by_role("region", name="What the camera says")
    await expect(says).to_contain_text("0 refused")
    await expect(
        page.get_by_role("region", name="Day by day").locator("tbody tr")
    ).not_to_have_count(0)
    await page.get_by_role("link", name="Settings").click()
    await expect(page.get_by_text(SOURCE)).to_be_visible()


async def test_markup_is_text_in_titles_and_under_the_pointer_too(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/cameras/classic:{HOSTILE}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"classic:{HOSTILE}")
    await expect(page.locator("td.first", has_text=MARKUP)).to_be_visible()
    strip = page.get_by_role("region", name="States").locator("i").first
    assert MARKUP in str(await strip.get_attribute("title"))
    chart = page.locator("figure .chart").first
    await expect(chart.locator("svg")).to_be_visible()
    await chart.hover()
    assert await page.locator("b", has_text="old").count() == 0


async def test_data_shows_sizes_and_what_pruning_would_take(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/data")
    await expect(page.get_by_role("region", name="Tables").locator("tbody tr")).not_to_have_count(0)
    await page.get_by_label("Older than, days").fill("30")
    await page.get_by_role("button", name="Show what would go").click()
    await expect(page.get_by_text("Nothing arrived before")).to_be_visible()


async def test_every_page_fits_a_phone_in_the_dark(
    browser: Browser, site: Site, admin: Any
) -> None:
    context = await context_of(browser, admin, PHONE, "dark")
    page = await context.new_page()
    complaints = listening(page, site.url)
    camera = f"/cameras/classic:{HOSTILE}"
    for path in (*PAGES, "/sightings/1", camera, f"{camera}?show=books", f"{camera}?show=settings"):
        await page.goto(site.url + path)
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_be_visible()
        if path in PAGES:
            await expect(heading).to_have_text(PAGES[path])
            await expect(page).to_have_title(f"{PAGES[path]} · Sightpost")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
        await expect(page.get_by_role("link", name="Sightings", exact=True)).to_be_in_viewport()
    await page.goto(f"{site.url}/watchlists")
    way = page.locator("#content").get_by_role("link", name="Alerts", exact=True)
    await expect(way).to_have_attribute("href", "/alerts")
    await page.goto(f"{site.url}/sightings")
    for name in ("from", "to"):  # day and time, uncut
        assert await page.locator(f"input[name={name}]").evaluate("it => it.offsetWidth") > 250
    ground = "getComputedStyle(document.body).backgroundColor"
    assert await page.evaluate(ground) == "rgb(13, 17, 22)"
    await page.get_by_role("button", name="Dark or light").click()
    await page.reload()
    assert await page.evaluate(ground) == "rgb(244, 246, 248)"
    await context.close()
    assert not complaints


async def test_the_api_is_shown_with_nothing_from_elsewhere(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/docs")
    await expect(page.locator("#operations-sightings-search_api_v1_sightings_get")).to_be_visible()


async def test_a_handler_that_got_into_a_page_does_not_run(
    browser: Browser, site: Site, admin: Any
) -> None:
    context = await context_of(browser, admin, DESKTOP)
    page = await context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text))
    await page.goto(f"{site.url}/sightings")
    await page.evaluate(
        """() => {
          const place = document.createElement("div");
          place.innerHTML = '<img src="/nothing" onerror="window.gotIn = true">';
          const script = document.createElement("script");
          script.textContent = "window.gotIn = true";
          document.body.append(place, script);
          return new Promise((done) => place.firstChild.addEventListener("error", done));
        }"""
    )
    assert await page.evaluate("window.gotIn") is None
    assert any("Content Security Policy" in text for text in refused)
    await context.close()


async def test_what_is_old_is_given_up_after_a_second_question(page: Page, site: Site) -> None:
    """The last of these tests: it takes what others look at."""
    database = apsw.Connection(str(site.place.server_database))
    database.set_busy_timeout(5000)
    database.execute(
        "UPDATE health_monitors SET received_at = '2020-01-01T00:00:00+00:00' "
        "WHERE id = (SELECT min(id) FROM health_monitors)"
    )
    await page.goto(f"{site.url}/data")
    await page.get_by_role("button", name="Show what would go").click()
    pruning = page.get_by_role("region", name="Give up what is old")
    await expect(pruning.get_by_text("1 row", exact=True)).to_be_visible()
    await pruning.get_by_role("button", name="Give up").click()
    await page.locator(".sheet:visible").get_by_role("button", name="Cancel").click()
    await pruning.get_by_role("button", name="Give up").click()
    await page.locator(".sheet:visible").get_by_role("button", name="Give up").click()
    await expect(pruning.get_by_text("Given up: all before")).to_be_visible()
    old = "SELECT count(*) FROM health_monitors WHERE received_at < '2021'"
    assert database.execute(old).get == 0
    database.close()
    await page.goto(f"{site.url}/audit?action=deletion")
    await expect(page.get_by_role("region", name="Entries").locator("tbody tr")).to_have_count(1)


async def test_a_listed_plate_is_told_on_every_page_judged_and_sent_on(
    page: Page, site: Site
) -> None:
    await page.goto(f"{site.url}/watchlists")
    await page.get_by_role("button", name="New list").click()
    await page.get_by_label("Name", exact=True).fill(MARKUP)
    await page.get_by_label("Hours; empty").fill("soon")
    await page.get_by_role("button", name="Make", exact=True).click()
    await expect(page.locator(".sheet [role=alert]")).to_contain_text("Hours 'soon': expected")
    await page.get_by_label("Hours; empty").fill("")
    await page.get_by_role("button", name="Make", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)
    facts = page.get_by_role("region", name="What it does")
    await expect(facts).to_contain_text("alert: raises an alert when a plate passes that is in it")
    await expect(facts).to_contain_text("one look-alike")
    await page.get_by_label("Plate", exact=True).fill("WATCH*")
    await page.get_by_label("Reason").fill("reported")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("[data-entry]")).to_have_count(1)
    await page.get_by_label("Plate", exact=True).fill("WATCH*")
    await page.get_by_label("Until").fill("2020-01-01")
    await page.get_by_role("button", name="Add").click()
    sheet = page.locator(".sheet:visible")
    await expect(sheet).to_contain_text("until nothing → 2020-01-01")
    await sheet.get_by_role("button", name="Change it").click()
    watched = page.locator("[data-entry]").filter(has_text="WATCH*")
    await expect(watched.locator(".tag")).to_have_text("over")
    await expect(watched).to_contain_text("reported")
    await watched.get_by_role("button", name="Change …").click()
    await page.locator(".sheet:visible").get_by_label("Until").fill("")
    await page.get_by_role("button", name="Save").click()
    await expect(watched.locator(".tag")).to_have_count(0)
    await page.get_by_label("Plate", exact=True).fill("NIGHT 1")
    await page.get_by_text("More", exact=True).click()
    await page.get_by_label("Cameras, with commas").fill("nowhere")
    await page.get_by_label("Hours; empty").fill("22:00-06:00")
    await page.get_by_label("Seconds without").fill("60")
    await page.get_by_role("button", name="Add").click()
    night = page.locator("[data-entry]").filter(has_text="NIGHT 1")
    await expect(night).to_contain_text("nowhere; 22:00-06:00")
    await expect(page.get_by_text("No such camera was ever heard: nowhere.")).to_be_visible()
    await page.get_by_role("button", name="Import …").click()
    lines = {
        "name": "a.csv",
        "mimeType": "text/csv",
        "buffer": b"plate,reason\nNEVER1,\n*,\nWATCH*,seen\n",
    }
    await page.get_by_label("File").set_input_files(lines)  # type: ignore[arg-type]
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(page.get_by_text("line 3: plate='*'")).to_be_visible()
    await expect(page.locator(".changes")).to_have_text("WATCH*: reason 'reported' → 'seen'")
    await page.get_by_role("link", name="Show the list").click()
    await expect(page.locator("[data-entry]")).to_have_count(3)

    await page.goto(f"{site.url}/cameras")
    alarms = page.locator("html[data-alarms='1']")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Cameras")
    await page.wait_for_function("window.socket?.connected")
    await site.passes_by("WATCH 1<b>")
    line = page.get_by_role("alert").filter(has_text="WATCH 1<b>")
    await expect(line).to_contain_text(MARKUP)
    await expect(alarms).to_have_count(1)
    await line.get_by_role("link", name="Show").click()
    row = page.locator("[data-alert]")
    await expect(row).to_contain_text("listed as WATCH*")
    await row.get_by_role("button", name="Note …").click()
    await page.get_by_label("Note", exact=True).fill("another car")
    await page.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("another car")
    await expect(row.locator(".tag")).to_have_text("open")
    await row.get_by_role("button", name="False alarm").click()
    await expect(row.locator(".tag")).to_have_text("false alarm")
    await expect(page.locator(".title")).to_contain_text("0 open")
    await row.get_by_role("button", name="Open again").click()
    await expect(page.locator(".title")).to_contain_text("1 open")
    await row.get_by_role("button", name="False alarm").click()
    await expect(row.locator(".tag")).to_have_text("false alarm")
    await page.goto(f"{site.url}/alerts")
    await expect(page.get_by_role("heading", name="No open alert")).to_be_visible()

    await page.goto(f"{site.url}/channels")
    await page.get_by_role("button", name="New channel").click()
    await page.get_by_label("Name", exact=True).fill("control room")
    await page.get_by_label("Kind").select_option("email")
    await expect(page.get_by_text("Mail addresses, with commas between")).to_be_visible()
    await page.get_by_label("Kind").select_option("webhook")
    await page.get_by_label("Address").fill("http://127.0.0.1:9/alerts")
    await page.get_by_role("button", name="Save").click()
    inside = "127.0.0.1 is inside this network: allow it with SERVER_WEBHOOK_NETWORKS=127.0.0.1"
    await expect(page.get_by_role("alert").filter(has_text=inside)).to_be_visible()
    await page.get_by_label("Address").fill("http://127.0.0.2:9/alerts")
    await page.get_by_role("button", name="Save").click()
    secret = await page.locator("#channel-secret").inner_text()
    assert len(secret) > 40
    await page.get_by_role("button", name="I have copied it").click()
    channel = page.locator("[data-channel='control room']")
    await channel.get_by_role("button", name="Test").click()
    await expect(channel.locator(".tag")).to_have_text("failing")
    await expect(channel).to_contain_text("127.0.0.2:9 does not answer")
    await channel.get_by_role("button", name="Delete").click()
    await page.locator(".sheet").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("No channel yet")).to_be_visible()

    await page.goto(f"{site.url}/watchlists")
    await page.get_by_role("button", name="New list").click()
    await page.get_by_label("Name", exact=True).fill("staff")
    await page.get_by_label("Raises an alert").select_option("unknown")
    await page.get_by_role("button", name="Make", exact=True).click()
    await page.get_by_role("button", name="Make it").click()
    speaks = page.get_by_role("status").filter(has_text="whoever passes at all raises an alert")
    await expect(speaks).to_be_visible()
    await page.get_by_label("Plate", exact=True).fill("STAFF 1")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("[data-entry]")).to_have_count(1)
    await expect(speaks).to_have_count(0)
    await page.get_by_role("button", name="Take out").click()
    await expect(page.get_by_role("heading", name="Take out the last one?")).to_be_visible()
    await page.locator(".sheet:visible").get_by_role("button", name="Take out").click()
    await expect(speaks).to_be_visible()
