"""Old cameras and plain clients: what they send is stored, or refused by name."""

from __future__ import annotations

import base64
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError

from server.app import running
from server.config import ServerSettings
from server.storage.pictures import PictureArchive
from tests.server.cameras import (
    Json,
    base64_of,
    classic_camera,
    classic_detection,
    classic_health,
    jpeg,
)
from tests.server.conftest import Query, settings_in


def without(message: Json, *keys: str) -> Json:
    return {key: value for key, value in message.items() if key not in keys}


async def test_the_detection_of_the_design_is_stored_with_its_picture(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        answer = await camera.ask(classic_detection())
    assert answer == {
        "status": "success",
        "message": "Data saved successfully",
        "record_id": 1,
        "table": "lpr_detection",
        "action": "insert",
    }
    [row] = query(
        "SELECT license_plate, confidence, confidence_percent, checkpoint_id, timestamp, "
        "captured_at, hostname, lux, image_status, device_id, processed, received_at, "
        "image_sha256 FROM lpr_detections WHERE id = 1"
    )
    assert row[:11] == (
        "ABC1234",
        95.5,
        95.5,
        "1",
        "2024-08-06T10:30:00",
        "2024-08-06T03:30:00.000+00:00",  # Asia/Bangkok where nothing else is configured
        "aicamera",
        250.0,
        "present",
        "classic:aicamera",
        0,
    )
    archive = PictureArchive(settings.pictures_path, read_only=True)
    assert archive.read(row[12], row[11][:10]) == jpeg()
    archive.close()


async def test_the_health_message_of_the_design_is_stored(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        answer = await camera.ask(classic_health())
    assert (answer["status"], answer["record_id"]) == ("success", 1)
    assert (answer["table"], answer["action"]) == ("health_monitor", "insert")
    assert query(
        "SELECT component, status, message, json_extract(system_info, '$.cpu_usage') "
        "FROM health_monitors"
    ) == [("camera", "PASS", "Camera working normally", "12%")]


@pytest.mark.parametrize(
    "message",
    [
        classic_detection(image=None),
        classic_detection(image=""),
        classic_detection(image=base64_of(jpeg())),
        classic_detection(
            confidence=None, exposure_time=None, analog_gain=None, lux=None, latitude=None
        ),
        without(classic_detection(), "action"),
        classic_detection(vehicle_type=" "),
        classic_health(system_info=None),
        without(classic_health(), "action"),
    ],
    ids=[
        "picture null",
        "picture empty",
        "bare base64",
        "numbers null",
        "no action",
        "blank type",
        "no system info",
        "health without action",
    ],
)
async def test_what_old_cameras_leave_out_is_taken(
    settings: ServerSettings, query: Query, message: Json
) -> None:
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        answer = await camera.ask(message)
    assert (answer["status"], answer["record_id"]) == ("success", 1), answer
    table = "lpr_detections" if message["table"] == "lpr_detection" else "health_monitors"
    assert query(f"SELECT count(*) FROM {table}") == [(1,)]  # noqa: S608 (names of the line above)


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("{not json", "JSON"),
        ({**classic_detection(), "table": "persons"}, "Unknown table/action: persons/insert"),
        ({**classic_detection(), "action": "delete"}, "Unknown table/action"),
        (classic_detection(confidence="abc"), "data.confidence"),
        (classic_detection(confidence=101), "data.confidence"),
        (classic_detection(image=base64.b64encode(b"no picture").decode()), "data.image"),
        (classic_detection(image="%%%"), "data.image"),
        (classic_detection(image=base64_of(jpeg()[:-40])), "data.image"),
        (classic_detection(timestamp="yesterday"), "data.timestamp"),
        (classic_detection(license_plate="AB\0C"), "data.license_plate"),
        (classic_health(component=None), "data.component"),
    ],
)
async def test_what_is_wrong_is_named_and_the_connection_lives_on(
    settings: ServerSettings, query: Query, message: Any, named: str
) -> None:
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        answer = await camera.ask(message)
        assert answer["status"] == "error"
        assert named in answer["message"]
        assert "record_id" not in answer
        assert query("SELECT count(*) FROM lpr_detections") == [(0,)]
        assert query("SELECT count(*) FROM health_monitors") == [(0,)]
        assert query("SELECT count(*) FROM message_ledger") == [(0,)]
        assert not settings.pictures_path.exists()
        assert (await camera.ask(classic_detection()))["status"] == "success"


@pytest.mark.parametrize("plate", ["1กก 1234", "กำแพงเพชร", unicodedata.normalize("NFD", "É-42")])
async def test_a_plate_of_any_script_comes_out_as_it_went_in(
    settings: ServerSettings, query: Query, plate: str
) -> None:
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        assert (await camera.ask(classic_detection(license_plate=plate)))["status"] == "success"
    assert query("SELECT license_plate FROM lpr_detections") == [
        (unicodedata.normalize("NFC", plate),)
    ]


@pytest.mark.parametrize(("is_text", "code"), [(True, 1007), (False, 1003)])
async def test_bytes_that_are_no_text_end_the_connection(
    settings: ServerSettings, query: Query, is_text: bool, code: int
) -> None:
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        await camera.ask(classic_health())
        await camera.socket.send(b"\xff\xfe{", text=is_text)
        with pytest.raises(ConnectionClosedError):
            await camera.socket.recv()
        assert camera.socket.close_code == code
    assert query("SELECT count(*) FROM health_monitors") == [(1,)]


async def test_a_repeated_row_gets_its_first_record_id_from_any_connection(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server:
        async with classic_camera(server.ingest_port) as camera:
            first = await camera.ask(classic_detection())
            other = await camera.ask(classic_detection(license_plate="XYZ"))
        async with classic_camera(server.ingest_port) as camera:
            again = await camera.ask(classic_detection(confidence=12))
    assert first["record_id"] != other["record_id"]
    assert again == first
    assert query("SELECT count(*) FROM lpr_detections") == [(2,)]


async def test_a_confidence_of_0_to_1_is_kept_raw_and_as_percent(
    settings: ServerSettings, query: Query
) -> None:
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        await camera.ask(classic_detection(confidence=0.87))
    assert query("SELECT confidence, confidence_percent FROM lpr_detections") == [(0.87, 87.0)]


async def test_the_rows_of_a_checkpoint_are_in_its_time_zone(tmp_path: Path, query: Query) -> None:
    settings = settings_in(tmp_path, checkpoint_time_zones="2=Europe/Berlin")
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        await camera.ask(classic_detection(checkpoint_id=2))
        await camera.ask(classic_detection(timestamp="2024-08-06T10:30:00-05:00"))
    assert query("SELECT checkpoint_id, captured_at FROM lpr_detections ORDER BY id") == [
        ("2", "2024-08-06T08:30:00.000+00:00"),
        ("1", "2024-08-06T15:30:00.000+00:00"),
    ]


async def test_health_and_statistics_count_what_came(
    settings: ServerSettings, query: Query
) -> None:
    started = datetime.now(UTC)
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        await camera.ask(classic_detection())
        await camera.ask("{")
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"http://127.0.0.1:{server.web_port}/health")
    found = answer.json()
    assert answer.status_code == 200
    assert found["status"] == "ok"
    assert found["database"] == str(settings.db_path)
    assert (found["connections"], found["rows_received"]) == (1, 1)
    assert found["uptime_s"] >= 0
    assert found["version"]
    [(at, *counts)] = query(
        "SELECT timestamp, total_connections, active_connections, messages_received, "
        "messages_processed, errors FROM server_stats"
    )
    assert counts == [1, 0, 2, 1, 1]
    assert datetime.fromisoformat(at) >= started.replace(microsecond=0)
