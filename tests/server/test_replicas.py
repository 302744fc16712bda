"""Several processes on one PostgreSQL: one is killed under load, nothing is lost or there twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from server.app import running
from server.errors import StartRefused
from server.role import Role
from server.workers import check_workers
from tests.server.balancers import balancers
from tests.server.conftest import settings_in
from tests.server.replicas import Camera, Replica, until_acknowledged, until_said
from tests.server.storage.databases import Databases

CAMERAS = 6
ROWS = 90

Start = Callable[..., Replica]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a replica; all are stopped at the end."""
    started: list[Replica] = []

    def begin(url: str, *options: str) -> Replica:
        started.append(Replica(tmp_path / "server", url, *options))
        return started[-1]

    yield begin
    for each in started:
        each.end()


async def all_are_there_once(url: str, cameras: list[Camera]) -> None:
    """Every row that was acknowledged, under its record id, and no other; the books agree."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT message_id::text, id FROM lpr_detections")
        ledger = await connection.fetchval("SELECT count(*) FROM message_ledger")
        stored = await connection.fetch("SELECT rows_stored, last_sequence FROM camera_epochs")
    finally:
        await connection.close()
    acknowledged = {
        row_id: result["record_id"]
        for camera in cameras
        for row_id, result in camera.acknowledged.items()
    }
    assert len(acknowledged) == len(cameras) * ROWS
    assert sorted((row["message_id"], row["id"]) for row in rows) == sorted(acknowledged.items())
    assert ledger == len(acknowledged)
    assert [tuple(each) for each in stored] == [(ROWS, ROWS)] * len(cameras)


async def test_workers_that_are_killed_under_load_or_with_the_database_away_lose_nothing(
    databases: Databases, start: Start
) -> None:
    """And each is started again, which ends no other."""
    url = await asyncio.to_thread(databases.migrated)
    parent = await asyncio.to_thread(start, url, "--workers", "2")
    port = await asyncio.to_thread(parent.wait_until_it_listens)
    await until_said(parent, "cameras=ws://", 2)
    cameras = [Camera(number, rows=ROWS) for number in range(1, CAMERAS + 1)]
    async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        for camera in cameras:
            tasks.create_task(camera.send_all(port))
        await until_acknowledged(cameras, CAMERAS * ROWS // 4)
        first, second = parent.workers()
        first.kill()
        await until_acknowledged(cameras, CAMERAS * ROWS // 2)
        second.kill()
    await all_are_there_once(url, cameras)
    assert sum(camera.cuts for camera in cameras) >= 1
    await until_said(parent, "a worker died and is started again", 2)
    await until_said(parent, "cameras=ws://", 4)
    await _one_dies_while_the_database_takes_nobody(databases, url, parent)
    assert await asyncio.to_thread(parent.end) == 0


async def _one_dies_while_the_database_takes_nobody(
    databases: Databases, url: str, parent: Replica
) -> None:
    name = urlsplit(url).path.removeprefix("/")
    other = await asyncpg.connect(databases.server.url())
    try:
        await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        first, second = parent.workers()
        first.kill()
        await until_said(parent, "a worker died and is started again", 4)
        assert second.is_running()
        await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await until_said(parent, "cameras=ws://", 5)
    finally:
        await other.close()


async def test_several_processes_need_a_database_that_they_share(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with pytest.raises(StartRefused, match="which SQLite is not: write SERVER_DATABASE_URL"):
        check_workers(settings, Role.ALL)
    for role in (Role.INGEST, Role.WEB):
        with pytest.raises(StartRefused, match="SERVER_DATABASE_URL=postgresql://"):
            async with running(settings, role=role):
                pass
    shared = settings_in(tmp_path, database_url="postgresql://x@/y")
    with pytest.raises(StartRefused, match="not with --role web"):
        check_workers(shared, Role.WEB)


@pytest.mark.system
async def test_behind_a_balancer_the_cameras_of_a_killed_server_go_on_at_the_other(
    databases: Databases, start: Start, tmp_path: Path
) -> None:
    """Half of them come through HAProxy, half through nginx."""
    url = await asyncio.to_thread(databases.migrated)
    replicas = [await asyncio.to_thread(start, url) for _ in range(2)]
    with contextlib.ExitStack() as ending:
        doors = await asyncio.to_thread(balancers, tmp_path, replicas, ending)
        cameras = [Camera(number, rows=ROWS) for number in range(1, 2 * len(doors) * 2 + 1)]
        async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
            for number, camera in enumerate(cameras):
                tasks.create_task(camera.send_all(doors[number % len(doors)]))
            await until_acknowledged(cameras, len(cameras) * ROWS // 4)
            lines = [await _cameras_of(replica) for replica in replicas]
            cuts = [camera.cuts for camera in cameras]
            replicas[0].kill()
        assert lines == [len(cameras) // 2, len(cameras) // 2]
        await all_are_there_once(url, cameras)
        cut = [camera.cuts > before for camera, before in zip(cameras, cuts, strict=True)]
        assert sum(cut) >= len(cameras) // 2


async def _cameras_of(replica: Replica) -> int:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{replica.web_port}/health")
    return int(answer.json()["connections"])
