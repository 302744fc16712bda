"""A browser and the administrator in it, for all tests of a module that has a site."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.server.web.pages.browsing import ADMIN, DESKTOP, context_of, launched, listening
from tests.server.web.pages.site import Site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(browser: Browser, site: Site) -> Any:
    """What a browser keeps of the administrator who used the link that the server printed."""
    context = await browser.new_context()
    page = await context.new_page()
    complaints = listening(page, site.url)
    await page.goto(site.setup_url)
    await page.get_by_label("Name to sign in with").fill(ADMIN[0])
    await page.get_by_label("Password").fill(ADMIN[1])
    await page.get_by_role("button", name="Make the account").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    state = await context.storage_state()
    await context.close()
    assert not complaints
    return state


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, site: Site, admin: Any) -> AsyncIterator[Page]:
    """Signed in at a desk, where nothing may complain: no error, no breach of a policy, no dialog,
    and nothing that comes from another host."""
    context = await context_of(browser, admin, DESKTOP)
    opened = await context.new_page()
    complaints = listening(opened, site.url)
    yield opened
    await context.close()
    assert not complaints
