"""A page's WebSocket: who may open one, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from server.accounts.contract import Caller, Standing
from server.accounts.permissions import Role
from server.device_token import digest_of
from server.web.security.gate import LOOKED_UP_EVERY_S, Gate
from server.web.security.pace import BURST
from server.web.security.rules import Door
from tests.server.accounts.conftest import ADMIN, House
from tests.server.web.site import FAR, URL, Site

Message = MutableMapping[str, Any]
HERE_FROM = {"origin": URL, "host": URL.removeprefix("http://")}


@dataclass
class Line:
    """What a page would do: echoes what it is told, while it is there."""

    callers: list[Caller] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.callers.append(scope["state"]["caller"])
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            self.told.append(message)
            await send({"type": "websocket.send", "text": message["text"]})


@dataclass
class Browser:
    """The other end of the line."""

    gate: Gate
    headers: dict[str, str]
    to_send: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    heard: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)

    async def run(self) -> None:
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/_nicegui_ws/socket.io/",
            "client": (FAR, 50123),
            "headers": [(k.encode(), v.encode()) for k, v in self.headers.items()],
        }
        self.to_send.put_nowait({"type": "websocket.connect"})
        await self.gate(scope, self.to_send.get, self.heard.put)  # type: ignore[arg-type]

    async def says(self, text: str) -> Message:
        """What comes back for it."""
        self.to_send.put_nowait({"type": "websocket.receive", "text": text})
        return await asyncio.wait_for(self.heard.get(), 10)


def gate_of(house: House, line: Line, look_every_s: float = LOOKED_UP_EVERY_S) -> Gate:
    return Gate(
        line,  # type: ignore[arg-type]
        register=house.store,
        door=Door(trusts_this_machine=False),
        clock=house.clock.seconds,
        look_every_s=look_every_s,
    )


def closed_for(reason: str) -> Message:
    return {"type": "websocket.close", "code": 1008, "reason": reason}


async def opened(site: Site, line: Line, **headers: str) -> tuple[Browser, asyncio.Task[None]]:
    session = await site.session(Role.OPERATOR)
    given = {**HERE_FROM, "cookie": f"sightpost_centre={session}", **headers}
    browser = Browser(gate_of(site.house, line), {k: v for k, v in given.items() if v})
    running = asyncio.create_task(browser.run())
    return browser, running


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": ""},
        {"cookie": "sightpost_centre=guessed"},
        {"origin": "https://evil.example"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
    ],
)
async def test_nobody_unknown_and_no_other_page_opens_a_line(
    site: Site, headers: dict[str, str]
) -> None:
    line = Line()
    browser, running = await opened(site, line, **headers)
    assert (await browser.heard.get())["type"] == "websocket.close"
    await running
    assert not line.callers


async def test_a_line_ends_soon_after_its_session(site: Site) -> None:
    line, house = Line(), site.house
    browser, running = await opened(site, line)
    assert (await browser.heard.get())["type"] == "websocket.accept"
    assert (await browser.says('42["event",{}]'))["text"] == '42["event",{}]'
    session = line.callers[0].session
    assert session is not None
    await house.office.end_session(line.callers[0])
    house.clock.later(seconds=LOOKED_UP_EVERY_S + 1)
    browser.to_send.put_nowait({"type": "websocket.receive", "text": "42[]"})
    await asyncio.wait_for(running, 10)
    assert len(line.told) == 1
    assert browser.heard.get_nowait() == closed_for("session ended")


async def test_a_line_ends_when_its_account_may_do_something_else(site: Site) -> None:
    line, house = Line(), site.house
    browser, running = await opened(site, line)
    await browser.heard.get()
    (user,) = await house.office.list_users()
    await house.office.set_role(ADMIN, user.id, Role.VIEWER)
    house.clock.later(seconds=LOOKED_UP_EVERY_S + 1)
    browser.to_send.put_nowait({"type": "websocket.receive", "text": "42[]"})
    await asyncio.wait_for(running, 10)
    assert not line.told
    assert browser.heard.get_nowait() == closed_for("rights changed")


async def test_a_line_on_which_nothing_is_said_is_closed_too(site: Site) -> None:
    line, house = Line(), site.house
    browser, running = await opened(site, line)
    await browser.heard.get()
    running.cancel()
    browser = Browser(gate_of(house, line, look_every_s=0.02), browser.headers)
    running = asyncio.create_task(browser.run())
    assert (await browser.heard.get())["type"] == "websocket.accept"
    await house.office.end_session(line.callers[0])
    house.clock.later(seconds=1)
    assert await asyncio.wait_for(browser.heard.get(), 10) == closed_for("session ended")
    running.cancel()


async def test_a_line_that_says_too_much_at_once_ends(site: Site) -> None:
    line = Line()
    browser, running = await opened(site, line)
    await browser.heard.get()
    for _ in range(2 * BURST):
        browser.to_send.put_nowait({"type": "websocket.receive", "text": '42["event"]'})
    await asyncio.wait_for(running, 10)
    assert len(line.told) == BURST


async def test_a_disabled_account_is_shown_nothing_more(site: Site) -> None:
    line, house = Line(), site.house
    seen: list[Message] = []

    async def pushing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        (user,) = await house.office.list_users()
        await house.office.set_standing(ADMIN, user.id, Standing.DISABLED)
        house.clock.later(seconds=LOOKED_UP_EVERY_S + 1)
        for _ in range(3):
            await send({"type": "websocket.send", "text": "news"})

    browser, running = await opened(site, line)
    running.cancel()
    browser = Browser(gate_of(house, pushing), browser.headers)  # type: ignore[arg-type]
    await browser.run()
    while not browser.heard.empty():
        seen.append(browser.heard.get_nowait())
    assert [each["type"] for each in seen] == ["websocket.accept", "websocket.close"]


async def test_what_a_person_does_keeps_the_session_and_a_ping_does_not(site: Site) -> None:
    for text, is_kept in (('42["event",{}]', True), ("3", False), ('42["ack",{}]', False)):
        line, house = Line(), site.house
        browser, running = await opened(site, line)
        await browser.heard.get()
        session = digest_of(browser.headers["cookie"].partition("=")[2])
        house.clock.later(minutes=40)
        await browser.says(text)
        house.clock.later(minutes=40)
        assert (await house.store.caller_of(session, FAR) is not None) is is_kept
        running.cancel()


@pytest.mark.parametrize(
    ("path", "headers", "is_kept"),
    [
        ("/api/v1/me", {}, True),
        ("/api/v1/me", {"sec-fetch-dest": "document"}, True),
        ("/api/v1/me", {"sec-fetch-dest": "empty"}, True),
        ("/api/v1/me", {"sec-fetch-dest": "image"}, False),
        ("/_nicegui_ws/socket.io/", {"sec-fetch-dest": "empty"}, False),
    ],
)
async def test_what_a_page_loads_by_itself_does_not_keep_the_session(
    site: Site, path: str, headers: dict[str, str], *, is_kept: bool
) -> None:
    session = await site.session(Role.VIEWER)
    clock, store = site.house.clock, site.house.store
    async with site.browser(cookie=f"sightpost_centre={session}") as browser:
        clock.later(minutes=40)
        await browser.get(path, headers={**headers, "sec-fetch-site": "same-origin"})
        clock.later(minutes=40)
    assert (await store.caller_of(digest_of(session), FAR) is not None) is is_kept
