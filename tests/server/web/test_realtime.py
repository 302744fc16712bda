"""The realtime figures of a real server, over a real WebSocket."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.app import running
from server.config import ServerSettings
from server.web.realtime import MOST_READERS, Feed, Pace
from telemetry.web_server import WebServer
from tests.server.cameras import plate_row, v1_camera
from tests.server.conftest import settings_in


async def test_figures_come_at_connection_and_again(settings: ServerSettings) -> None:
    async with running(settings) as server:
        async with v1_camera(server.ingest_port) as camera:
            await camera.exchange(*(plate_row(number) for number in range(1, 6)))
        address = f"ws://127.0.0.1:{server.web_port}/analytics/realtime"
        async with connect(address) as reader:
            said = json.loads(await asyncio.wait_for(reader.recv(), 10))
            while not said["metrics"]["ingest"]["request_rate"]:
                said = json.loads(await asyncio.wait_for(reader.recv(), 10))
    metrics = said["metrics"]
    assert {"overall", "face_recognition", "face_detection", "plate_recognition"} < set(metrics)
    assert metrics["overall"]["total_requests"] == 5
    assert metrics["overall"]["success_rate"] == 100
    assert metrics["overall"]["active_users"] == 0
    assert metrics["ingest"]["error_rate"] == 0
    assert 0 < metrics["ingest"]["response_time"] < 10
    assert metrics["plate_recognition"]["plates_detected_per_min"] > 0
    assert metrics["face_recognition"]["request_rate"] is None


async def test_strangers_and_other_web_pages_are_not_let_in(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, local_tokens=True)) as server:
        address = f"ws://127.0.0.1:{server.web_port}/analytics/realtime"
        with pytest.raises(InvalidStatus):
            await connect(address)
    async with running(settings_in(tmp_path)) as server:
        address = f"ws://127.0.0.1:{server.web_port}/analytics/realtime"
        with pytest.raises(InvalidStatus):
            await connect(address, origin="https://evil.example")  # type: ignore[arg-type]


@asynccontextmanager
async def serving(feed: Feed) -> AsyncIterator[str]:
    """The feed alone, behind a real web server; its address."""
    app = FastAPI()

    @app.websocket("/")
    async def realtime(reader: WebSocket) -> None:
        await feed.serve(reader)

    listener = socket.create_server(("127.0.0.1", 0))
    server = WebServer(app, listener, has_sockets=True)
    with listener:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run_until_stopped())
            looking = tasks.create_task(feed.run())
            try:
                yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
            finally:
                looking.cancel()
                server.stop()


async def readers_are(feed: Feed, count: int) -> None:
    async with asyncio.timeout(10):
        while feed.readers != count:  # noqa: ASYNC110 - told by no event
            await asyncio.sleep(0.01)


async def test_a_slow_reader_is_dropped_and_holds_up_nobody() -> None:
    number = 0

    async def large() -> dict[str, Any]:
        nonlocal number
        number += 1
        return {"number": number, "filling": "x" * 900_000}

    feed = Feed(large, pace=Pace(interval_s=0.05, patience_s=1.0))
    async with (
        serving(feed) as address,
        connect(address, compression=None) as quick,
        connect(address, compression=None) as slow,
    ):
        await quick.recv()
        await readers_are(feed, 2)
        slow.transport.pause_reading()
        numbers = []
        while feed.readers > 1:
            numbers.append(json.loads(await asyncio.wait_for(quick.recv(), 10))["number"])
        assert json.loads(await quick.recv())["number"] > numbers[-1]
        assert feed.readers == 1
        slow.transport.abort()
    assert numbers == sorted(set(numbers))


async def test_readers_are_bounded_and_those_that_left_make_room() -> None:
    async def look() -> dict[str, Any]:
        return {}

    feed = Feed(look)
    async with serving(feed) as address:
        readers = [await connect(address) for _ in range(MOST_READERS)]
        await readers_are(feed, MOST_READERS)
        with pytest.raises((InvalidStatus, ConnectionClosed)):
            async with connect(address) as another:
                await another.recv()
        await readers[0].close()
        await readers_are(feed, MOST_READERS - 1)
        async with connect(address) as another:
            assert await another.recv() == "{}"
        for reader in readers:
            await reader.close()
