"""Accounts in a real browser: asked for, given a role, signed in and out, on a desk and a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.server.web.pages.browsing import ADMIN, DESKTOP, PHONE, context_of, listening, signs_in
from tests.server.web.pages.site import THAI, Site, bare_site

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with bare_site(tmp_path_factory.mktemp("site")) as running:
        yield running


async def test_a_stranger_asks_for_an_account_and_gets_as_far_as_the_role_allows(
    browser: Browser, page: Page, site: Site
) -> None:
    context = await browser.new_context()
    stranger = await context.new_page()
    await stranger.goto(f"{site.url}/register")
    await stranger.get_by_label("Name to sign in with").fill("anna")
    await stranger.get_by_label("Your full name").fill("<b>Anna</b>")
    await stranger.get_by_label("Password").fill("another long password")
    await stranger.get_by_role("button", name="Ask for an account").click()
    await expect(stranger.get_by_text("Your request was noted")).to_be_visible()
    await page.goto(f"{site.url}/users")
    row = page.locator("tr[data-user=anna]")
    await expect(row).to_contain_text("<b>Anna</b>")
    await row.get_by_role("button", name="Approve").click()
    await page.get_by_label("Role").select_option("viewer")
    await page.get_by_role("button", name="Approve", exact=True).click()
    await expect(row).to_contain_text("active")
    await stranger.goto(f"{site.url}/login?next=/sightings")
    await signs_in(stranger, "anna", "another long password")
    await expect(stranger.get_by_role("heading", level=1)).to_have_text("Sightings")
    await expect(stranger.get_by_role("button", name="Export")).to_have_count(0)
    await expect(stranger.get_by_role("link", name="Data", exact=True)).to_have_count(0)
    await stranger.goto(f"{site.url}/sightings?view=table")
    async with stranger.expect_response(f"{site.url}/users") as answered:
        await stranger.evaluate("location.assign('/users')")
    assert (await answered.value).status == 403
    await stranger.get_by_role("link", name="Back").click()
    await expect(stranger).to_have_url(f"{site.url}/sightings?view=table")
    await row.get_by_role("button", name="Role").click()
    await page.get_by_label("Role").select_option("operator")
    await page.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("operator")
    await expect(stranger.get_by_role("button", name="Export")).to_be_visible()
    await stranger.goto(f"{site.url}/")
    await stranger.get_by_role("button", name="Menu").click()
    await stranger.get_by_role("button", name="Sign out").click()
    await expect(stranger.get_by_role("button", name="Sign in")).to_be_visible()
    await signs_in(stranger, "anna", "another long password")
    await row.get_by_role("button", name="Disable").click()
    await page.locator(".sheet:visible").get_by_role("button", name="Disable").click()
    await expect(stranger).to_have_url(re.compile("/login"))
    await context.close()


async def test_a_token_is_shown_once_works_and_is_revoked(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/account")
    await page.get_by_role("button", name="New token").click()
    await page.get_by_label("Name").fill("grafana")
    await page.get_by_label("see the cameras").check()
    await page.get_by_role("button", name="Make", exact=True).click()
    token = str(await page.locator("#new-token").text_content())
    await page.get_by_role("button", name="I have copied it").click()
    async with httpx.AsyncClient(
        base_url=site.url, headers={"authorization": f"Bearer {token}"}
    ) as program:
        assert (await program.get("/api/v1/cameras")).status_code == 200
        assert (await program.get("/api/v1/sightings")).status_code == 403
        await page.get_by_role("button", name="Revoke").click()
        await page.locator(".sheet:visible").get_by_role("button", name="Revoke").click()
        await expect(page.get_by_text("revoked", exact=True)).to_be_visible()
        assert (await program.get("/api/v1/cameras")).status_code == 401
    await page.reload()
    assert token not in await page.content()
    await page.goto(f"{site.url}/audit?action=token+made")
    await expect(page.get_by_role("region", name="Entries").locator("tbody tr")).to_have_count(1)


async def test_somebody_on_the_way_signs_in_searches_and_corrects(
    browser: Browser, site: Site, admin: Any
) -> None:
    context = await browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True
    )
    page = await context.new_page()
    complaints = listening(page, site.url)
    await page.goto(f"{site.url}/login")
    await signs_in(page, *ADMIN)
    await page.get_by_role("link", name="Sightings", exact=True).tap()
    await page.get_by_label("Plate").fill(THAI[:3] + "*")
    await page.get_by_role("button", name="Search").tap()
    await expect(page.locator("#found")).to_have_text("1 found")
    await page.locator(".shot").tap()
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text(THAI)
    await page.get_by_role("button", name="Correct").tap()
    await page.get_by_label("Plate").fill("2ขข 99")
    await page.get_by_role("button", name="Save").tap()
    await expect(heading).to_have_text("2ขข 99")
    await page.get_by_role("button", name="Undo").tap()
    await expect(heading).to_have_text(THAI)
    await page.get_by_role("button", name="Menu").tap()
    await page.get_by_role("button", name="Sign out").tap()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await context.close()
    assert not complaints


async def test_a_line_that_comes_back_for_somebody_else_gets_their_page(
    browser: Browser, site: Site, admin: Any
) -> None:
    """On the server's own machine nobody needs a session: this one has lost the administrator's."""
    context = await context_of(browser, admin, DESKTOP)
    page = await context.new_page()
    await page.goto(f"{site.url}/audit")
    await expect(page.get_by_role("region", name="Entries")).to_be_visible()
    await page.wait_for_function("window.did_handshake")
    await context.clear_cookies()
    await page.evaluate("window.socket.io.engine.close()")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.url == f"{site.url}/login?next=/audit"
    await context.close()


async def test_signing_out_in_one_tab_leads_the_other_to_the_sign_in_page(
    browser: Browser, site: Site, admin: Any
) -> None:
    context = await browser.new_context()
    first = await context.new_page()
    await first.goto(f"{site.url}/login")
    await signs_in(first, *ADMIN)
    await expect(first.get_by_role("heading", level=1)).to_have_text("Overview")
    other = await context.new_page()
    await other.goto(f"{site.url}/sightings?view=table")
    await other.wait_for_function("window.did_handshake")
    await first.get_by_role("button", name="Menu").click()
    await first.get_by_role("button", name="Sign out").click()
    await expect(first).to_have_url(re.compile("/login"))
    await expect(other).to_have_url(re.compile("/login[?]next=%2Fsightings%3Fview%3Dtable$"))
    await expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    await context.close()
