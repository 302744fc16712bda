"""What hangs holds up no end: it is left behind, and everything else is closed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from agent.assembly import assembled
from agent.camera.source import FrameSource
from agent.camera.uri import SourceUri, parse_source
from agent.closing import StoppedEarly, close_in_time, unless_stopped
from agent.config import AgentSettings, load_settings
from agent.driver_thread import threads_left_behind
from agent.errors import AgentAlreadyRunning
from agent.lock import ProcessLock
from agent.process import STOP_S
from tests.fakes.sources import FakeSource, Step
from vision.backends.backend import Backend
from vision.pool.budget import Priority
from vision.pool.pool import ModelRequest

URI = parse_source("synthetic:?vehicles=1&width=320&height=180")


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Set at the end, so that what hangs does not outlive its test."""
    event = threading.Event()
    yield event
    event.set()


def _settings(folder: Path) -> AgentSettings:
    return load_settings(
        environ={
            "DB_PATH": str(folder / "lpr_data.db"),
            "AGENT_IMAGES_DIR": str(folder / "captured"),
            "WEBSOCKET_SERVER_URL": "ws://127.0.0.1:9/",
        }
    )


def _lock_of(folder: Path) -> ProcessLock:
    return ProcessLock(folder / "lpr_data.db.agent.lock", taken=AgentAlreadyRunning)


async def test_part_that_hangs_is_left_behind_and_told(release: threading.Event) -> None:
    with structlog.testing.capture_logs() as logs:
        await close_in_time("a part", release.wait, 0.05)
    assert [(one["event"], one["part"]) for one in logs] == [
        ("a part hangs and is left behind", "a part")
    ]
    assert "driver closing a part" in threads_left_behind()


async def test_what_closing_raises_is_raised() -> None:
    def close() -> None:
        raise ValueError("not closed")

    with pytest.raises(ValueError, match="not closed"):
        await close_in_time("a part", close)


async def test_what_is_made_before_the_stop_is_had() -> None:
    assert await unless_stopped("seven", lambda: 7, asyncio.Event()) == 7


async def test_signal_while_the_models_load_ends_at_once_and_leaves_the_database_closed(
    tmp_path: Path, release: threading.Event
) -> None:
    stop, loads = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(_: SourceUri) -> FrameSource:
        loop.call_soon_threadsafe(loads.set)
        release.wait()
        return FakeSource([Step.FRAME])

    async def stop_while_it_loads() -> None:
        await loads.wait()
        stop.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(stop_while_it_loads())
        with pytest.raises(StoppedEarly):
            async with assembled(_settings(tmp_path), URI, opener=hang, stop=stop):
                pass
    assert "driver models" in threads_left_behind()
    assert not (tmp_path / "lpr_data.db-wal").exists()
    with _lock_of(tmp_path):
        pass  # nobody holds it any more


async def test_models_that_hang_while_they_load_do_not_hold_up_the_end(
    tmp_path: Path, release: threading.Event
) -> None:
    loading = threading.Event()

    def hang() -> Backend:
        loading.set()
        release.wait()
        raise AssertionError("released")

    request = ModelRequest(name="stuck", device="cpu", size=1, priority=Priority.LOW)
    async with assembled(_settings(tmp_path), URI) as parts:
        pool = parts.networks.first.pool
        parts.checking.submit(pool.open, request, hang)
        await asyncio.to_thread(loading.wait)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < STOP_S
