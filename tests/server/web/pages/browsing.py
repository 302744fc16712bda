"""A real browser that takes note of whatever complains, and people in it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from playwright.async_api import Browser, BrowserContext, Dialog, Page, async_playwright, expect

DESKTOP: Final = (1280, 800)
PHONE: Final = (390, 844)
OPTIONS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE_MS: Final = 25_000
"""Two cores may have other work."""
ADMIN: Final = ("somchai", "correct horse battery staple")


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Debian's; skips the test where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's package chromium is not installed")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        yield running
        await running.close()


async def context_of(
    browser: Browser, admin: Any, size: tuple[int, int], theme: Any = "light"
) -> BrowserContext:
    """Nothing moves, as people can ask for: a dialog stands where it is clicked."""
    return await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        storage_state=admin,
        color_scheme=theme,
        reduced_motion="reduce",
    )


def listening(page: Page, home: str) -> list[str]:
    complaints: list[str] = []

    async def dismiss(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((home, "blob:", "data:")) else complaints.append(asked.url)
        ),
    )
    page.on("websocket", lambda line: _at_home(line.url, home, complaints))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", dismiss)
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    return complaints


def _at_home(url: str, home: str, complaints: list[str]) -> None:
    if not url.startswith(home.replace("http", "ws", 1)):
        complaints.append(url)


async def signs_in(page: Page, name: str, password: str) -> None:
    """On the sign-in page."""
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_function("window.did_handshake")
