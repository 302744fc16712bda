"""Tokens over real connections: a camera writes only as itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from server.app import Pace, running
from server.config import ServerSettings
from server.errors import StorageUnavailable
from server.storage import tokens
from server.storage.connection import open_second_writer
from server.storage.sqlite import SqliteStore
from tests.server.cameras import (
    classic_camera,
    classic_detection,
    health_row,
    hello,
    v1_camera,
    v1_socket,
)
from tests.server.conftest import Query, settings_in
from wire.errors import ErrorCode

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def make_token(database: Path, name: str) -> str:
    connection = open_second_writer(database)
    try:
        return tokens.create_token(connection, name, NOW)
    finally:
        connection.close()


def revoke_token(database: Path, name: str) -> None:
    connection = open_second_writer(database)
    try:
        tokens.revoke_token(connection, name, NOW)
    finally:
        connection.close()


def bearing(token: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": f"Bearer {token}"}}


async def test_a_camera_with_its_token_writes_as_itself(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings, pace=Pace(tokens_s=0.05)) as server:
        token = make_token(settings.db_path, "gate-1")
        async with v1_camera(server.ingest_port, "gate-1", **bearing(token)) as camera:
            assert (await camera.ask(health_row(1)))[0]["success"]
        async with classic_camera(server.ingest_port, **bearing(token)) as old:
            assert (await old.ask(classic_detection()))["status"] == "success"
    assert query("SELECT device_id FROM health_monitors") == [("gate-1",)]
    assert query("SELECT device_id, hostname FROM lpr_detections") == [("gate-1", "aicamera")]


async def test_another_cameras_name_is_not_taken(settings: ServerSettings, query: Query) -> None:
    async with running(settings) as server:
        token = make_token(settings.db_path, "gate-1")
        async with v1_socket(server.ingest_port, **bearing(token)) as socket:
            await socket.send(json.dumps(hello("gate-2")))
            with pytest.raises(ConnectionClosedError) as closed:
                await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert "gate-1" in closed.value.rcvd.reason
    assert query("SELECT count(*) FROM cameras") == [(0,)]


@pytest.mark.parametrize("token", ["wrong", "", "x" * 5000])
async def test_a_wrong_token_is_turned_away_with_401(settings: ServerSettings, token: str) -> None:
    async with running(settings) as server:
        make_token(settings.db_path, "gate-1")
        with pytest.raises(InvalidStatus) as refused:
            async with v1_socket(server.ingest_port, **bearing(token)):
                pass
    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["WWW-Authenticate"] == "Bearer"
    assert b"unknown" in (refused.value.response.body or b"")


async def test_a_token_replaced_at_once_ends_the_connection_of_the_stolen_one(
    settings: ServerSettings,
) -> None:
    async with running(settings, pace=Pace(tokens_s=0.05)) as server:
        stolen = make_token(settings.db_path, "gate-1")
        async with v1_camera(server.ingest_port, "gate-1", **bearing(stolen)) as thief:
            await thief.ask(health_row(1))
            revoke_token(settings.db_path, "gate-1")
            fresh = make_token(settings.db_path, "gate-1")
            async with asyncio.timeout(10):
                with pytest.raises(ConnectionClosedError, match="revoked"):
                    await thief.answer()
        async with v1_camera(server.ingest_port, "gate-1", **bearing(fresh)) as owner:
            [result] = await owner.ask(health_row(2))
            assert result["success"]


async def test_a_revoked_token_ends_its_connection_and_opens_none(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings, pace=Pace(tokens_s=0.05)) as server:
        token = make_token(settings.db_path, "gate-1")
        async with v1_camera(server.ingest_port, "gate-1", **bearing(token)) as camera:
            await camera.ask(health_row(1))
            revoke_token(settings.db_path, "gate-1")
            with pytest.raises(ConnectionClosedError, match="revoked"):
                await camera.answer()
        with pytest.raises(InvalidStatus) as refused:
            async with v1_socket(server.ingest_port, **bearing(token)):
                pass
        async with asyncio.timeout(30):  # the use is noted in the same round, after the closing
            while query("SELECT last_used_at FROM device_tokens") == [(None,)]:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)
    assert b"revoked" in (refused.value.response.body or b"")


async def test_a_use_that_could_not_be_noted_is_noted_later(
    settings: ServerSettings, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = SqliteStore.note_token_use
    failed = asyncio.Event()

    async def failing_once(store: SqliteStore, names: Collection[str], now: datetime) -> None:
        if failed.is_set():
            return await note(store, names, now)
        failed.set()
        raise StorageUnavailable(ErrorCode.BUSY, "locked", retry_after_s=1.0)

    monkeypatch.setattr(SqliteStore, "note_token_use", failing_once)
    async with running(settings, pace=Pace(tokens_s=0.05)) as server:
        token = make_token(settings.db_path, "gate-1")
        async with v1_camera(server.ingest_port, "gate-1", **bearing(token)) as camera:
            await camera.ask(health_row(1))
        async with asyncio.timeout(30):
            await failed.wait()
            while query("SELECT last_used_at FROM device_tokens") == [(None,)]:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)


async def test_a_web_page_cannot_write_to_a_local_server(settings: ServerSettings) -> None:
    async with running(settings) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with classic_camera(server.ingest_port, origin="https://evil.example"):
                pass
    assert refused.value.response.status_code == 403


async def test_cameras_behind_a_proxy_on_this_machine_need_a_token(
    settings: ServerSettings,
) -> None:
    async with running(settings) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with classic_camera(
                server.ingest_port, additional_headers={"X-Forwarded-For": "203.0.113.7"}
            ):
                pass
    assert refused.value.response.status_code == 401


async def test_this_machine_needs_a_token_too_where_that_is_demanded(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, local_tokens=True)
    async with running(settings) as server:
        for connecting in (v1_socket(server.ingest_port), classic_camera(server.ingest_port)):
            with pytest.raises(InvalidStatus, match="401"):
                async with connecting:
                    pass
        token = bearing(make_token(settings.db_path, "gate-1"))
        async with v1_camera(server.ingest_port, **token) as camera:
            assert (await camera.ask(health_row(1)))[0]["success"]
