"""The overview asks the store once for everybody who looks, and nothing piles up for the slow."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from datetime import datetime
from pathlib import Path

import apsw
import pytest

from server.storage.cameras import StoredCameras
from server.storage.reading.cameras import CameraCard, StateRule
from server.web.pages.live import LiveBoard, Snapshot
from tests.server.storage.history import NOON, Centre, centre_in, plate

PATIENCE_S = 20.0


class CountedCameras(StoredCameras):
    """The real ones; tells how often the board was asked for."""

    asked = 0

    async def board(self, *, now: datetime, connected: Collection[str]) -> tuple[CameraCard, ...]:
        self.asked += 1
        return await super().board(now=now, connected=connected)


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    async with centre_in(tmp_path) as opened:
        yield opened


@contextlib.asynccontextmanager
async def looking(board: LiveBoard) -> AsyncIterator[None]:
    task = asyncio.create_task(board.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def board_of(centre: Centre, cameras: StoredCameras) -> LiveBoard:
    return LiveBoard(cameras, centre.sightings, connected=frozenset, now=lambda: NOON, pace_s=0.005)


async def some(board: LiveBoard, count: int) -> list[Snapshot]:
    found = []
    async with contextlib.aclosing(board.follow()) as snapshots:
        async for snapshot in snapshots:
            found.append(snapshot)
            if len(found) == count:
                break
    return found


async def test_ten_viewers_cost_what_one_costs(centre: Centre) -> None:
    cameras = CountedCameras(centre.pool, StateRule())
    await centre.take(plate(1, "AB1"))
    board = board_of(centre, cameras)
    async with looking(board), asyncio.timeout(PATIENCE_S):
        viewers = await asyncio.gather(*(some(board, 5) for _ in range(10)))
    assert all(len(snapshots) == 5 for snapshots in viewers)
    assert viewers[0][0].latest[0].plate == "AB1"
    assert cameras.asked <= 8
    assert board.viewers == 0


async def test_a_slow_viewer_gets_the_newest_and_not_all(centre: Centre) -> None:
    cameras = CountedCameras(centre.pool, StateRule())
    board = board_of(centre, cameras)
    async with (
        looking(board),
        asyncio.timeout(PATIENCE_S),
        contextlib.aclosing(board.follow()) as slow,
    ):
        await anext(slow)
        await some(board, 20)
        row = plate(1, "LATE 1")
        await centre.take(row)
        await some(board, 2)
        looks = cameras.asked
        assert looks > 20
        assert [card.plate for card in (await anext(slow)).latest] == ["LATE 1"]


async def test_what_was_seen_stays_when_the_store_cannot_be_read(centre: Centre) -> None:
    board = board_of(centre, centre.cameras)
    await centre.take(plate(1, "AB1"))
    assert (await board.now()).fault == ""
    with contextlib.closing(apsw.Connection(str(centre.database))) as other:
        other.set_busy_timeout(5000)
        other.execute("ALTER TABLE cameras RENAME TO gone")
    async with looking(board), asyncio.timeout(PATIENCE_S):
        async with contextlib.aclosing(board.follow()) as snapshots:
            async for snapshot in snapshots:
                if snapshot.fault:
                    break
        assert snapshot.latest[0].plate == "AB1"
