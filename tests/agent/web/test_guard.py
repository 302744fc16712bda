"""Who goes before the request is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from agent.web.gatekeeper import Gatekeeper
from agent.web.guard import Guard
from agent.web.login import add_login
from agent.web.password import PasswordFile
from telemetry.request_meter import WENT_AWAY


async def test_who_goes_in_the_midst_of_logging_in_is_no_fault_of_the_agent(tmp_path: Path) -> None:
    keeper = Gatekeeper(PasswordFile(tmp_path / "password"))
    app = FastAPI()
    add_login(app, keeper)
    said: list[Any] = []
    heard = [
        {"type": "http.request", "body": b"password=", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return heard.pop(0)

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/login",
        "query_string": b"",
        "client": ("127.0.0.1", 50123),
        "headers": [(b"host", b"127.0.0.1:8000"), (b"origin", b"http://127.0.0.1:8000")],
    }
    app.add_middleware(Guard, keeper=keeper, is_loopback=True)
    await app(scope, receive, send)
    keeper.close()
    assert said[0]["status"] == WENT_AWAY
