"""Full disks, bad rows and locks: nothing is acknowledged that is not on disk, nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import httpx
import pytest

from server.app import running
from server.config import ServerSettings
from tests.server.cameras import (
    Json,
    V1Camera,
    base64_of,
    classic_camera,
    classic_health,
    health_row,
    jpeg,
    plate_row,
    v1_camera,
)
from tests.server.conftest import Query, connections_to, settings_in, when_free

LONG = {"text": "x" * 60_000}
"""Needs pages that a new database has not."""


class FullDisk:
    """SQLite's own page limit on every connection to a file: writes fail with SQLITE_FULL."""

    def __init__(self, path: Path) -> None:
        self._connections = connections_to(path)
        assert self._connections

    def fill(self) -> None:
        for each in self._connections:
            when_free(each.pragma, "max_page_count", when_free(each.pragma, "page_count"))

    def make_room(self) -> None:
        for each in self._connections:
            when_free(each.pragma, "max_page_count", 1_000_000)


def writer_beside(settings: ServerSettings) -> apsw.Connection:
    """Another program's connection; it waits its turn, for the server writes at its start too."""
    connection = apsw.Connection(str(settings.db_path))
    connection.set_busy_timeout(10_000)
    return connection


async def test_a_full_disk_is_answered_and_over_when_there_is_room(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, httpx.AsyncClient() as browser:
        health = f"http://127.0.0.1:{server.web_port}/health"
        disk = FullDisk(settings.db_path)
        async with v1_camera(server.ingest_port) as camera:
            disk.fill()
            results = await camera.ask(*(health_row(n, system_info=LONG) for n in (1, 2, 3)))
            for result in results:
                assert (result["success"], result["code"]) == (False, "storage_failed")
                assert result["retry"]
                assert result["retry_after_s"] > 0
            async with classic_camera(server.ingest_port) as old:
                answer = await old.ask(classic_health(system_info=LONG))
                assert answer["status"] == "error"
                assert "later" in answer["message"]
            failing = await browser.get(health)
            assert failing.status_code == 503
            assert failing.json()["status"] == "failing"
            assert "full" in failing.json()["reason"]
            assert query("SELECT count(*) FROM health_monitors") == [(0,)]
            disk.make_room()
            results = await camera.ask(*(health_row(n, system_info=LONG) for n in (1, 2, 3)))
            assert [result["success"] for result in results] == [True] * 3
            assert not any("duplicate" in result for result in results)
            assert (await browser.get(health)).status_code == 200
    assert query("SELECT sequence FROM health_monitors ORDER BY id") == [(1,), (2,), (3,)]
    assert query("SELECT rows_stored, last_sequence FROM camera_epochs") == [(3, 3)]


async def test_a_picture_file_that_is_full_keeps_its_rows_out(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        await camera.ask(plate_row(1, image=base64_of(jpeg())))
        [day_file] = settings.pictures_path.glob("*.db")
        disk = FullDisk(day_file)
        disk.fill()
        large = base64_of(jpeg(7) + bytes(100_000) + b"\xff\xd9")
        [refused] = await camera.ask(plate_row(2, image=large))
        assert refused["retry"]
        assert query("SELECT count(*) FROM lpr_detections") == [(1,)]
        disk.make_room()
        [stored] = await camera.ask(plate_row(2, image=large))
    assert stored["success"]
    assert query("SELECT license_plate, image_status FROM lpr_detections ORDER BY id") == [
        ("AB1", "present"),
        ("AB2", "present"),
    ]


async def test_a_row_that_cannot_be_stored_does_not_hold_up_its_group(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        other = writer_beside(settings)
        other.execute(
            "CREATE TRIGGER poison BEFORE INSERT ON health_monitors WHEN NEW.component = 'poison' "
            "BEGIN SELECT RAISE(ABORT, 'no such component'); END"
        )
        rows = [health_row(n) for n in range(1, 21)]
        rows[7]["data"]["component"] = "poison"
        results = await camera.ask(*rows)
        assert [n for n, result in enumerate(results) if not result["success"]] == [7]
        assert results[7]["code"] == "storage_failed"
        assert results[7]["retry"]
        assert query("SELECT count(*) FROM health_monitors") == [(19,)]
        other.execute("DROP TRIGGER poison")
        other.close()
        again = await camera.ask(*rows)
    assert [result["success"] for result in again] == [True] * 20
    assert [n for n, result in enumerate(again) if not result.get("duplicate")] == [7]
    assert query("SELECT count(*), count(DISTINCT message_id) FROM health_monitors") == [(20, 20)]
    assert query("SELECT rows_stored FROM camera_epochs") == [(20,)]


async def test_nothing_is_acknowledged_before_its_commit(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        await camera.ask(health_row(1))
        other = writer_beside(settings)
        other.execute("BEGIN IMMEDIATE")
        await camera.send(health_row(2))
        async with classic_camera(server.ingest_port) as old:
            asking = asyncio.create_task(old.ask(classic_health()))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(camera.answer(), 0.5)
            assert not asking.done()
            assert query("SELECT count(*) FROM health_monitors") == [(1,)]
            other.execute("ROLLBACK")
            other.close()
            assert (await camera.answer())["results"][0]["success"]
            assert (await asking)["status"] == "success"
    assert query("SELECT count(*) FROM health_monitors") == [(3,)]


async def test_frames_beyond_the_budget_wait_in_the_sockets(tmp_path: Path, query: Query) -> None:
    settings = settings_in(tmp_path, memory_budget_mb=16)
    picture = base64_of(jpeg() + bytes(4_500_000) + b"\xff\xd9")  # 6 MB as text
    async with running(settings) as server, v1_camera(server.ingest_port) as camera:
        await camera.ask(health_row(100))
        received = server.counters.messages_received
        other = writer_beside(settings)
        other.execute("BEGIN IMMEDIATE")
        frames = [plate_row(number, image=picture) for number in range(1, 13)]
        sending = asyncio.create_task(_send_all(camera, frames))
        # Two fit into the budget; of the third so much is read as fits, and nothing after it.
        async with asyncio.timeout(4):
            while server.counters.messages_received - received < 2:  # noqa: ASYNC110 (they tell nobody)
                await asyncio.sleep(0.01)
        done, _ = await asyncio.wait([sending], timeout=0.5)
        assert not done
        assert server.counters.messages_received - received == 2
        other.execute("ROLLBACK")
        other.close()
        answers = [await camera.answer() for _ in frames]
        await sending
    assert [answer["results"][0]["success"] for answer in answers] == [True] * 12
    assert query("SELECT count(*) FROM lpr_detections WHERE image_status = 'present'") == [(12,)]


async def _send_all(camera: V1Camera, rows: list[Json]) -> None:
    for row in rows:
        await camera.send(row)
