"""Pages in a server's own loop: those who show nothing are let go, and who wants none pays none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from nicegui import Client
from starlette.types import ASGIApp, Receive, Scope, Send

from server.app import utc_now
from server.errors import TooBusy
from server.library import library_in_sqlite
from server.storage.ground import ground_on
from server.storage.pictures import PictureArchive
from server.storage.reader_pool import ReaderPool
from server.storage.sightings import StoredSightings
from server.watch_side import watch_side
from server.web.health import DetailedHealth
from server.web.pages.centre import Centre
from server.web.pages.hosting import pages_on
from server.web.pages.room import MOST_OF_ONE, give_up, make_room
from server.web.pages.statics import add_statics
from telemetry.error_book import ErrorBook
from telemetry.web_server import WebServer
from tests.server.accounts.conftest import ADMIN, House, house
from tests.server.conftest import settings_in
from tests.server.web.pages.browsing import launched

__all__ = ["house"]

CHANGED = "was => (document.querySelector('.dot')?.textContent ?? was) !== was"
BUSY = "() => { const end = Date.now() + 2500; while (Date.now() < end); }"


class EverybodyIsAdmin:
    """In place of the gate, which has tests of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["caller"] = ADMIN
        await self._app(scope, receive, send)


async def never_asked() -> DetailedHealth:
    raise AssertionError


@contextlib.asynccontextmanager
async def pages_of(
    house: House, *, patience_s: float, search_s: float | None = None
) -> AsyncIterator[str]:
    """The address of pages on an empty centre."""
    settings = settings_in(house.path.parent)
    app = FastAPI()
    app.add_middleware(EverybodyIsAdmin)
    add_statics(app)
    async with contextlib.AsyncExitStack() as opened:
        library = opened.enter_context(library_in_sqlite(settings))
        if search_s is not None:
            pool = ReaderPool(settings.db_path)
            opened.callback(pool.close)
            archive = PictureArchive(settings.pictures_path, read_only=True)
            impatient = StoredSightings(pool, archive, longest_s=search_s)
            library = replace(library, sightings=impatient)
        watching = await opened.enter_async_context(
            watch_side(
                settings,
                ground_on(settings.db_path),
                auditor=house.store,
                pictures=library.pictures,
                now=utc_now,
            )
        )
        centre = Centre(
            library=library,
            errors=ErrorBook(),
            watchlists=watching.watchlists,
            alerts=watching.alerts,
            channels=watching.channels,
            alerted=watching.alerted,
            accounts=house.office,
            auditor=house.store,
            faces=None,
            connected=frozenset,
            live=lambda: None,
            now=utc_now,
            zone=settings.time_zone,
            version="0.1.0",
            details=never_asked,
        )
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with pages_on(app, centre, patience_s=patience_s), asyncio.TaskGroup() as tasks:
                server = WebServer(app, listener, has_sockets=True)
                tasks.create_task(server.run_until_stopped())
                try:
                    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
                finally:
                    server.stop()


@pytest.mark.system
async def test_a_browser_that_shows_nothing_is_let_go_and_comes_back(house: House) -> None:
    async with (
        pages_of(house, patience_s=0.5) as url,
        launched() as browser,
        asyncio.timeout(120),
    ):
        page = await browser.new_page()
        page.set_default_timeout(60_000)
        lines: list[str] = []
        page.on("websocket", lambda line: lines.append(line.url))
        await page.goto(url)
        await page.get_by_text("No camera yet").wait_for()
        await page.wait_for_function(CHANGED, arg=await page.locator(".dot").text_content())
        assert len(lines) == 1
        await page.evaluate(BUSY)
        await page.wait_for_function(CHANGED, arg=await page.locator(".dot").text_content())
        assert len(lines) > 1


async def test_a_search_that_takes_too_long_leaves_its_form(house: House) -> None:
    async with (
        pages_of(house, patience_s=5, search_s=0.0) as url,
        httpx.AsyncClient(timeout=60) as browser,
    ):
        answer = await browser.get(f"{url}/sightings?plate=*34")
    assert answer.status_code == 503
    for text in ("This search takes too long", "narrow it", "such as AB12*"):
        assert text in answer.text, text


async def test_pages_that_nobody_looks_at_make_room_for_the_next(house: House) -> None:
    async with pages_of(house, patience_s=5) as url, httpx.AsyncClient(timeout=60) as browser:
        before = set(Client.instances)
        for _ in range(MOST_OF_ONE + 5):
            assert (await browser.get(f"{url}/channels")).status_code == 200
        opened = set(Client.instances) - before
        assert len(opened) <= MOST_OF_ONE
        newest = max((Client.instances[each] for each in opened), key=lambda one: one.created)
        with pytest.raises(TooBusy, match="close some"):
            make_room(newest, [_Watched(newest) for _ in range(MOST_OF_ONE)])  # type: ignore[list-item]


async def test_a_page_that_is_given_up_is_not_waited_for_any_more(house: House) -> None:
    async with pages_of(house, patience_s=5) as url, httpx.AsyncClient(timeout=60) as browser:
        await browser.get(f"{url}/channels")
        page = max(Client.instances.values(), key=lambda one: one.created)
        await page.handle_handshake("line", "tab", None, "document", None)
        page.handle_disconnect("line")
        (waiting,) = [each for each in asyncio.all_tasks() if "delete content" in each.get_name()]
        give_up(page)
        await asyncio.wait([waiting], timeout=5)
        assert waiting.cancelled()
        assert page.id not in Client.instances


@dataclass(frozen=True)
class _Watched:
    """A page with a browser at the other end of its line."""

    like: Client
    has_socket_connection: bool = True

    @property
    def created(self) -> float:
        return self.like.created

    @property
    def request(self) -> Any:
        return self.like.request


def test_a_server_without_pages_does_not_import_what_they_need() -> None:
    asked = "import sys, server.app; sys.exit('nicegui' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", asked], check=False, timeout=60)
    assert run.returncode == 0
