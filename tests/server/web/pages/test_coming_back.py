"""What stands before the pages' lines, where the browser has no WebSocket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server.web.pages.coming_back import ComingBack
from telemetry.request_meter import WENT_AWAY

WHOLE = {"type": "http.request", "body": b"40", "more_body": False}
GONE = {"type": "http.disconnect"}


async def asked(*heard: dict[str, Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """What the application hears where that comes from the browser, and what is answered."""
    coming, hears, answered = list(heard), [], []

    async def application(_: Any, receive: Any, send: Any) -> None:
        hears.extend([await receive() for _ in heard])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {"type": "http", "path": "/_nicegui_ws/socket.io/", "query_string": b"EIO=4"}
    await ComingBack(application)(scope, receive, send)
    return hears, [each["status"] for each in answered if "status" in each]


async def test_a_request_whose_browser_is_gone_reaches_no_line() -> None:
    assert await asked(GONE) == ([], [WENT_AWAY])


async def test_what_a_browser_says_comes_whole_and_in_order() -> None:
    assert await asked(WHOLE, GONE) == ([WHOLE, GONE], [200])
