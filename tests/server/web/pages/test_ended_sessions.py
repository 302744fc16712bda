"""What an open page does when its session ends in another tab of a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, async_playwright, expect

from tests.end_to_end.programs import installation

pytestmark = [pytest.mark.asyncio, pytest.mark.system]

PATIENCE_MS: Final = 25_000
"""Two cores may have other work."""


@pytest_asyncio.fixture
async def signed_in(tmp_path: Path) -> AsyncIterator[BrowserContext]:
    """A browser with one page, that of the first administrator."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's package chromium is not installed")
    expect.set_options(timeout=PATIENCE_MS)
    with installation(tmp_path, SERVER_PAGES="true") as place:
        place.start_server()
        found = re.search(r"http://\S+/setup\?key=\S+", place.output_of("server"))
        assert found is not None, place.output_of("server")
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=program, args=["--headless", "--no-sandbox", "--disable-gpu"]
            )
            context = await browser.new_context()
            page = await context.new_page()
            await page.goto(found.group())
            await page.get_by_label("Name to sign in with").fill("somchai")
            await page.get_by_label("Password").fill("correct horse battery staple")
            await page.get_by_role("button", name="Make the account").click()
            await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
            yield context
            await browser.close()


async def test_signing_out_in_one_tab_leads_the_other_to_the_sign_in_page(
    signed_in: BrowserContext,
) -> None:
    (first,) = signed_in.pages
    other = await signed_in.new_page()
    await other.goto(re.sub("(?<=[0-9])/.*", "/sightings?view=table", first.url))
    await other.wait_for_function("window.did_handshake")
    await first.get_by_role("button", name="Menu").click()
    await first.get_by_role("button", name="Sign out").click()
    await expect(first).to_have_url(re.compile("/login"))
    await expect(other).to_have_url(re.compile("/login[?]next=%2Fsightings%3Fview%3Dtable$"))
    await expect(other.get_by_role("button", name="Sign in")).to_be_visible()
