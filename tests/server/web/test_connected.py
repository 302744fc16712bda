"""The board of a running server: a camera with a line open is online, whatever the clock says."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from server.app import running, utc_now
from server.config import ServerSettings
from tests.server.cameras import health_row, v1_camera


async def board(port: int) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
        answer = await browser.get("/api/v1/cameras")
        assert answer.status_code == 200, answer.text
        cards: list[dict[str, Any]] = answer.json()
        return cards


async def test_a_camera_is_connected_while_its_line_is_open(settings: ServerSettings) -> None:
    days_ahead: list[int] = [0]
    async with running(settings, now=lambda: utc_now() + timedelta(days=days_ahead[0])) as server:
        async with v1_camera(server.ingest_port) as camera:
            await camera.ask(health_row(1))
            days_ahead[0] = 2
            (card,) = await board(server.web_port)
            assert (card["is_connected"], card["state"]) == (True, "online")
        async with asyncio.timeout(20):
            while (await board(server.web_port))[0]["is_connected"]:
                continue
        (card,) = await board(server.web_port)
        assert card["state"] == "silent"
