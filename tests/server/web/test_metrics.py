"""GET /metrics of a real server says what went through it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import apsw
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server import figures
from server.app import running
from server.config import ServerSettings
from server.ingest.stats import CODES
from server.storage.corrections import StoredCorrections
from server.storage.writing_thread import SqliteWriting
from server.watchlist.contract import ListDetails
from server.watchlist.rules import Kind
from telemetry.catalogue import CATALOGUE
from tests.server.cameras import (
    base64_of,
    classic_camera,
    classic_detection,
    health_row,
    jpeg,
    plate_row,
    row_id,
    v1_camera,
)
from tests.server.conftest import settings_in
from tests.server.watchlist.lists import lists_of

Samples = Mapping[tuple[str, ...], float]


async def scraped(port: int) -> Samples:
    """Every sample by its name and the values of its labels, in the order of the labels' names."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def face_row(sequence: int, confidence: float) -> dict[str, object]:
    return {
        "table": "face_detection",
        "id": row_id(sequence),
        "sequence": sequence,
        "captured_at": "2026-03-01T08:00:00+07:00",
        "data": {"confidence": confidence, "box": [1, 2, 30, 40]},
    }


def eviction_row(sequence: int, count: int) -> dict[str, object]:
    return {
        "table": "eviction",
        "id": row_id(sequence),
        "sequence": sequence,
        "captured_at": "2026-03-01T08:00:00+07:00",
        "data": {
            "kind": "row", "reason": "quota", "evicted_table": "health_checks", "count": count,
        },
    }  # fmt: skip


async def test_what_went_through_is_counted_each_once(settings: ServerSettings) -> None:
    async with running(settings) as server:
        async with v1_camera(server.ingest_port) as camera:
            rows = (plate_row(1), plate_row(2, image=base64_of(jpeg())), health_row(3))
            await camera.exchange(*rows, face_row(4, 90.0), face_row(5, 60.0), eviction_row(6, 7))
            await camera.exchange(*rows)  # again
            await camera.exchange(plate_row(1, license_plate="OTHER"), plate_row(9, confidence=-1))
        async with classic_camera(server.ingest_port) as older:
            await older.ask(classic_detection())
            await older.ask(classic_detection(confidence="none"))
        said = await scraped(server.web_port)
    rows_total = "sightpost_ingest_rows_total"
    assert said[rows_total, "lpr_detection"] == 3
    assert said[rows_total, "health_monitor"] == 1
    assert said[rows_total, "face_detection"] == 2
    assert said[rows_total, "eviction"] == 1
    assert said["sightpost_ingest_duplicates_total",] == 3
    assert said["sightpost_ingest_refused_total", "id_conflict"] == 1
    assert said["sightpost_ingest_refused_total", "invalid_field"] == 2
    assert said["sightpost_ingest_evicted_total", "row"] == 7
    assert said["sightpost_ingest_evicted_total", "picture"] == 0
    assert said["faces_detected_total", "high", "ingest"] == 1
    assert said["faces_detected_total", "medium", "ingest"] == 1
    assert said["sightpost_ingest_latency_seconds_count",] == 11  # every row that was read
    assert said["sightpost_ingest_group_rows_sum",] >= 7
    assert said["sightpost_ingest_confidence_ratio_count",] == 3
    assert said["sightpost_ingest_waiting_rows",] == 0
    assert said["sightpost_ingest_connections_total",] == 2
    assert said["sightpost_storage_available",] == 1
    assert said["ai_service_requests_total", "lpr_detection", "insert", "ingest", "success"] == 3
    assert said["ai_service_requests_total", "any", "insert", "ingest", "error"] == 3


async def test_cameras_have_series_of_their_own(settings: ServerSettings) -> None:
    async with running(settings) as server:
        async with v1_camera(server.ingest_port, "gate-9") as camera:
            await camera.exchange(plate_row(1), plate_row(2))
        said = await scraped(server.web_port)
    assert said["sightpost_fleet_cameras",] == 1
    assert said["sightpost_fleet_silent_cameras",] == 0
    assert said["sightpost_fleet_rows_total", "gate-9"] == 2
    assert said["sightpost_fleet_waiting_rows", "gate-9"] == 3
    assert said["sightpost_fleet_last_seen_timestamp_seconds", "gate-9"] > 1.7e9


async def test_cameras_beyond_the_bound_count_with_all_and_have_no_series(
    settings: ServerSettings,
) -> None:
    async with running(settings) as server:
        async with v1_camera(server.ingest_port) as camera:
            await camera.exchange(health_row(1))
        _enter_cameras(settings.db_path, figures.MOST_CAMERAS + 4)
        said = await scraped(server.web_port)
    series = [name for name in said if name[0] == "sightpost_fleet_last_seen_timestamp_seconds"]
    assert len(series) == figures.MOST_CAMERAS
    assert said["sightpost_fleet_cameras",] == figures.MOST_CAMERAS + 5
    assert said["sightpost_fleet_silent_cameras",] == figures.MOST_CAMERAS + 4


async def test_accuracy_is_what_people_let_stand_once_one_was_corrected(
    settings: ServerSettings,
) -> None:
    async with running(settings) as server:
        async with v1_camera(server.ingest_port) as camera:
            await camera.exchange(*(plate_row(number) for number in range(1, 11)))
        before = await scraped(server.web_port)
        writing = SqliteWriting(settings.db_path, name="corrections")
        try:
            await StoredCorrections(writing).correct(3, "RIGHT 3", by="vera", now=datetime.now(UTC))
        finally:
            writing.close()
        after = await scraped(server.web_port)
    name = ("ai_model_accuracy_score", "uncorrected", "all", "plate-recognition")
    assert name not in before
    assert after[name] == pytest.approx(0.9)


def _enter_cameras(database: Path, count: int) -> None:
    """So many that were last heard in 2020."""
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(5000)
        with connection:
            connection.executemany(
                "INSERT INTO cameras (device_id, first_seen, last_seen) VALUES (?, ?, ?)",
                [
                    (
                        f"old-{number}",
                        "2020-01-01T00:00:00.000+00:00",
                        "2020-01-01T00:00:00.000+00:00",
                    )
                    for number in range(count)
                ],
            )
    finally:
        connection.close()


async def test_every_metric_is_one_of_the_catalogue(settings: ServerSettings) -> None:
    async with running(settings) as server, httpx.AsyncClient() as browser:
        answer = await browser.get(f"http://127.0.0.1:{server.web_port}/metrics")
    labels = {metric.name.removesuffix("_total"): metric.labels for metric in CATALOGUE}
    families = [
        family
        for family in text_string_to_metric_families(answer.text)
        if not family.name.startswith("process_")
    ]
    assert len(families) > 20
    for family in families:
        for sample in family.samples:
            assert {*sample.labels} - {"le"} == {*labels[family.name]}, sample


async def test_alerts_and_their_deliveries_are_counted(settings: ServerSettings) -> None:
    async with running(settings):
        pass
    async with lists_of(settings) as lists:
        details = ListDetails(name="everybody", kind=Kind.UNKNOWN)
        await lists.make_list(details, by="somchai", now=datetime.now(UTC))
    async with running(settings) as server, asyncio.timeout(60):
        before = await scraped(server.web_port)
        async with v1_camera(server.ingest_port) as camera:
            await camera.exchange(plate_row(1))
        while (said := await scraped(server.web_port))["sightpost_alerts_raised_total",] < 1:
            pass
    assert before["sightpost_alerts_raised_total",] == 0
    assert said["sightpost_alerts_raised_total",] == 1
    deliveries = {name[1]: v for name, v in said.items() if "alert_deliveries" in name[0]}
    assert deliveries == {"delivered": 0, "failed": 0, "given_up": 0}


async def test_a_part_that_waits_is_told_by_metrics_health_and_the_errors_page(
    tmp_path: Path,
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        address = f"mqtt://127.0.0.1:{nobody.getsockname()[1]}"
        async with running(settings_in(tmp_path, mqtt_url=address, pages=True)) as server:
            async with asyncio.timeout(60):
                while (said := await scraped(server.web_port))["sightpost_part_working", "MQTT"]:
                    pass
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.web_port}") as browser:
                details = (await browser.get("/health/detailed")).json()
                page = (await browser.get("/errors")).text
    assert said["sightpost_part_working", "alerts"] == 1
    parts = {each["name"]: each for each in details["parts"]}
    assert (parts["alerts"]["status"], parts["MQTT"]["status"]) == ("ok", "waiting")
    assert parts["MQTT"]["reason"]
    assert "MQTT waits, and goes on by itself where it was" in page
    assert details["status"] == "ok"  # rows are taken all the same


async def test_refusals_are_there_from_the_start_so_that_the_first_one_is_an_increase(
    settings: ServerSettings,
) -> None:
    async with running(settings) as server:
        said = await scraped(server.web_port)
    assert {name[1]: value for name, value in said.items() if "ingest_refused" in name[0]} == (
        dict.fromkeys(CODES, 0)
    )


async def test_a_server_without_metrics_has_no_page(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, metrics=False)) as server:
        async with v1_camera(server.ingest_port) as camera:
            await camera.exchange(plate_row(1))
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"http://127.0.0.1:{server.web_port}/metrics")
    assert answer.status_code == 404
