"""Every path of the older system answers with the fields that its users' programs read."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from agent.errors import SenderAlreadyRunning
from agent.lock import ProcessLock, sender_lock_of
from agent.status import status_of
from tests.agent.outbox.sightings import face
from tests.agent.web.camera import Camera
from tests.agent.web.conftest import PLATES
from tests.end_to_end.programs import rows_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGED = {"data", "total", "page", "per_page", "total_pages"}
GET_FIELDS = {
    "/api/camera_status": {"initialized", "streaming", "camera_working", "queue_size"},
    "/api/get_camera_settings": {"status", "settings"},
    "/api/health_status": {"health_checks"},
    "/api/health_data": PAGED,
    "/api/health_monitor_status": {"monitoring_active"},
    "/api/detection_status": {"detection_active", "processing_count", "detection_results_count"},
    "/api/detection_data": PAGED,
    "/api/detection_stats": {"stats"},
    "/api/websocket_status": {"websocket_running", "details"},
    "/api/websocket_unsent_data": {"unsent_detections", "unsent_health", "total_unsent"},
}
SWITCHES = {
    "camera": ("/api/start_camera", "/api/stop_camera"),
    "camera, closed": ("/api/start_camera", "/api/close_camera"),
    "monitoring": ("/api/start_health_monitoring", "/api/stop_health_monitoring"),
    "sender": ("/api/start_websocket_sender", "/api/stop_websocket_sender"),
}


async def _post(web: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
    answer = await web.post(path, json=body) if body is not None else await web.post(path)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    assert {"status", "message"} <= said.keys()
    return said


@pytest.mark.parametrize("path", GET_FIELDS)
async def test_the_documented_fields_are_there(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(path)
    assert answer.status_code == 200, answer.text
    assert GET_FIELDS[path] <= answer.json().keys()


@pytest.mark.parametrize("part", SWITCHES)
async def test_a_part_stops_starts_and_warns_when_it_is_so_already(
    web: httpx.AsyncClient, part: str
) -> None:
    start, stop = SWITCHES[part]
    said = [(await _post(web, path))["status"] for path in (start, stop, stop, start, start)]
    assert said == ["warning", "success", "warning", "success", "warning"]


async def test_detection_is_started_and_stopped(web: httpx.AsyncClient, camera: Camera) -> None:
    paths = ("start_detection", "start_detection", "stop_detection", "stop_detection")
    said = []
    for path in paths:
        said.append((await _post(web, f"/api/{path}"))["status"])
        status = (await web.get("/api/detection_status")).json()
        assert status["detection_active"] is camera.parts.live.is_reading
    assert said == ["success", "warning", "success", "warning"]


async def test_a_stopped_sender_really_stops(web: httpx.AsyncClient, camera: Camera) -> None:
    await _post(web, "/api/stop_websocket_sender")
    status = (await web.get("/api/websocket_status")).json()
    assert status["websocket_running"] is False
    assert status["details"] == {"running": False, "thread_alive": False, "sender_active": False}
    assert camera.parts.sender is not None
    assert camera.parts.sender.status.link.state == "stopped"
    assert (await _post(web, "/api/restart_websocket_sender"))["status"] == "success"
    assert (await web.get("/api/websocket_status")).json()["websocket_running"] is True


async def test_a_sender_started_beside_another_process_says_who_sends_and_sends_after_it(
    web: httpx.AsyncClient, camera: Camera
) -> None:
    async def link() -> dict[str, Any]:
        found: dict[str, Any] = (await web.get("/api/v1/status")).json()["link"]
        return found

    async def until(holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while not holds(said := await link()):  # noqa: ASYNC110 (a page tells when it is asked)
                await asyncio.sleep(0.01)
        return said

    database = camera.settings.db_path
    lock = ProcessLock(
        database.with_name(f"{database.name}.sender.lock"), taken=SenderAlreadyRunning
    )
    await _post(web, "/api/stop_websocket_sender")
    with lock:
        assert (await _post(web, "/api/start_websocket_sender"))["status"] == "success"
        said = await until(lambda one: one["failure"] == "taken")
        assert said["state"] == "offline"
        assert f"process {os.getpid()} sends from this database already" in said["detail"]
        assert f"process {os.getpid()} sends" in (await web.get("/websocket")).text
        await _post(web, "/api/stop_websocket_sender")
        assert (await link())["state"] == "stopped"
        await _post(web, "/api/start_websocket_sender")
    await until(lambda one: one["failure"] == "refused")  # by the server, where nothing listens


async def test_a_stopped_camera_gives_no_more_frames(
    web: httpx.AsyncClient, camera: Camera
) -> None:
    await _post(web, "/api/stop_camera")
    assert camera.parts.capture.stats.is_held
    assert (await web.get("/api/camera_status")).json()["streaming"] is False
    await _post(web, "/api/start_camera")
    assert not camera.parts.capture.stats.is_held


async def test_camera_settings_are_set_and_answered(web: httpx.AsyncClient) -> None:
    wanted = {
        "brightness": 0.2,
        "contrast": 1.5,
        "saturation": 1.0,
        "sharpness": 2.0,
        "awb_mode": 3,
        "focus": 0.5,
    }
    said = await _post(web, "/api/update_camera_settings", wanted)
    assert wanted.items() <= said["settings"].items()
    assert said["status"] == "warning"  # of the source that these tests have
    assert "does not take awb_mode, focus, saturation, sharpness from here" in said["message"]
    found = (await web.get("/api/get_camera_settings")).json()["settings"]
    assert wanted.items() <= found.items()


@pytest.mark.parametrize(
    "wrong", [{"brightness": 2}, {"awb_mode": 9}, {"focus": "near"}, {"zoom": 2}, {"contrast": -1}]
)
async def test_a_wrong_camera_setting_is_refused_by_name(
    web: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    before = (await web.get("/api/get_camera_settings")).json()
    answer = await web.post("/api/update_camera_settings", json=wrong)
    assert answer.status_code == 400
    assert answer.json()["status"] == "error"
    assert next(iter(wrong)) in answer.json()["message"]
    assert (await web.get("/api/get_camera_settings")).json() == before


@pytest.mark.parametrize("path", ["/api/health_check", "/api/run_health_check"])
async def test_health_is_checked_at_once(web: httpx.AsyncClient, path: str) -> None:
    results = (await _post(web, path))["results"]
    assert {"camera", "disk", "database"} <= {result["component"] for result in results}
    assert all({"component", "status", "message"} <= result.keys() for result in results)


async def test_health_is_listed_latest_and_filtered(web: httpx.AsyncClient) -> None:
    await _post(web, "/api/health_check")
    latest = (await web.get("/api/health_status")).json()["health_checks"]
    components = [check["component"] for check in latest]
    assert "camera" in components
    assert len(components) == len(set(components))
    listed = (await web.get("/api/health_data?component=disk&per_page=5")).json()
    assert {check["component"] for check in listed["data"]} == {"disk"}
    nothing = (await web.get("/api/health_data?component=disk&status=none")).json()
    assert (nothing["data"], nothing["total"], nothing["total_pages"]) == ([], 0, 1)


async def test_sightings_are_searched_sorted_and_paged(web: httpx.AsyncClient) -> None:
    first = (await web.get("/api/detection_data?per_page=2&sort_by=id&sort_order=asc")).json()
    assert [row["license_plate_text"] for row in first["data"]] == list(PLATES[:2])
    assert (first["total"], first["total_pages"]) == (len(PLATES), 3)
    last = (await web.get("/api/detection_data?per_page=2&page=3&sort_by=id&sort_order=ASC")).json()
    assert [row["license_plate_text"] for row in last["data"]] == list(PLATES[4:])
    found = (await web.get("/api/detection_data?search=56660")).json()
    assert found["total"] == 2
    assert found["data"][0]["exposure_time"] == pytest.approx(0.033)


@pytest.mark.parametrize("search", ["%", "_", "\\"])
async def test_a_search_means_its_characters(web: httpx.AsyncClient, search: str) -> None:
    assert (await web.get("/api/detection_data", params={"search": search})).json()["total"] == 0


async def test_dates_bound_the_list_both_ends_included(web: httpx.AsyncClient) -> None:
    day = (await web.get("/api/detection_data?per_page=1")).json()["data"][0]["timestamp"][:10]
    for query, total in (
        (f"date_from={day}&date_to={day}", len(PLATES)),
        (f"date_from={day}", len(PLATES)),
        ("date_to=2026-03-01", 0),
        ("date_from=2026-04-01", 0),
    ):
        assert (await web.get(f"/api/detection_data?{query}")).json()["total"] == total, query


@pytest.mark.parametrize(
    "query",
    [
        *("page=0", "per_page=0", "per_page=201", "sort_by=evidence;--", "date_from=soon"),
        *("page=x", "page=99999999999999999999", "sort_order=up"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    web: httpx.AsyncClient, query: str
) -> None:
    answer = await web.get(f"/api/detection_data?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["message"]


async def test_statistics_count_plates(web: httpx.AsyncClient) -> None:
    stats = (await web.get("/api/detection_stats")).json()["stats"]
    assert {"total_detections", "today_detections", "average_confidence"} <= stats.keys()
    assert stats["total_detections"] == len(PLATES)
    assert stats["average_confidence"] == pytest.approx(0.93)
    assert stats["top_plates"][0] == {"plate": "WA56660", "count": 2}
    assert len(stats["top_plates"]) == 5


async def test_the_sender_page_names_every_kind_of_row_that_waits(
    web: httpx.AsyncClient, camera: Camera
) -> None:
    camera.parts.outbox.record_face(face())
    page = (await web.get("/websocket")).text
    assert f"{len(PLATES)} plates, 1 faces" in page


async def test_a_sender_that_is_left_to_another_process_says_whether_one_runs(
    web: httpx.AsyncClient, camera: Camera
) -> None:
    separate = replace(camera.parts, sender=None)  # as an agent beside which another sends
    database = camera.settings.db_path
    await _post(web, "/api/stop_websocket_sender")
    assert status_of(separate)["link"]["advice"].startswith("none runs: start it")
    with ProcessLock(sender_lock_of(database), taken=SenderAlreadyRunning):
        assert f"process {os.getpid()} runs" in status_of(separate)["link"]["advice"]
    await _post(web, "/api/start_websocket_sender")


async def test_unsent_rows_are_counted(web: httpx.AsyncClient) -> None:
    unsent = (await web.get("/api/websocket_unsent_data")).json()
    assert unsent["unsent_detections"] == len(PLATES)
    assert unsent["total_unsent"] == unsent["unsent_detections"] + unsent["unsent_health"]


async def test_the_export_is_whole_and_holds_no_formula(
    web: httpx.AsyncClient, camera: Camera
) -> None:
    answer = await web.get("/api/export_detection_data")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    texts = [row["license_plate_text"] for row in reversed(rows)]
    assert texts == [*PLATES[:4], "'=1+1", PLATES[5]]
    stored = rows_of(camera.settings.db_path, "SELECT id FROM detection_results ORDER BY id DESC")
    assert [int(row["id"]) for row in rows] == [row[0] for row in stored]


async def test_an_export_takes_the_filter(web: httpx.AsyncClient) -> None:
    answer = await web.get("/api/export_detection_data?search=KR1")
    assert len(answer.text.splitlines()) == 2
    answer = await web.get("/api/export_detection_data?direction=nowhere")
    assert len(answer.text.splitlines()) == 1
    assert (await web.get("/api/export_detection_data?date_from=x")).status_code == 400


async def test_a_picture_is_downloaded(web: httpx.AsyncClient) -> None:
    row = (await web.get("/api/detection_data?per_page=1")).json()["data"][0]
    answer = await web.get(f"/download/{row['lp_image_filename']}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    "name",
    [
        "%2e%2e/db/lpr_data.db",
        "..%2fdb%2flpr_data.db",
        "%2fetc%2fpasswd",
        "link.jpg",
        "notes.txt",
        "nothing.jpg",
        "a%00.jpg",
    ],
)
async def test_nothing_outside_of_the_spool_is_downloaded(
    web: httpx.AsyncClient, camera: Camera, name: str
) -> None:
    spool = camera.settings.images_dir
    (spool / "notes.txt").write_text("not a picture")
    link = spool / "link.jpg"
    if not link.is_symlink():
        link.symlink_to(camera.settings.db_path)
    answer = await web.get(f"/download/{name}")
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content


async def test_the_live_picture_is_a_bounded_stream(web: httpx.AsyncClient, camera: Camera) -> None:
    async with web.stream("GET", "/video_feed") as answer:
        kind = answer.headers["content-type"]
        assert kind == "multipart/x-mixed-replace; boundary=frame"
        content = b""
        async for piece in answer.aiter_bytes():
            content += piece
            if content.count(b"--frame\r\n") >= 3:
                break
    first = content.split(b"--frame\r\n")[1]
    head, _, body = first.partition(b"\r\n\r\n")
    assert b"Content-Type: image/jpeg" in head
    assert body.startswith(b"\xff\xd8\xff")


async def test_more_viewers_than_the_device_can_serve_are_turned_away(
    web: httpx.AsyncClient, camera: Camera
) -> None:
    async with asyncio.timeout(30), contextlib.AsyncExitStack() as watching:
        seen = []  # kept: what is collected as garbage closes its stream
        for _ in range(4):
            answer = await watching.enter_async_context(web.stream("GET", "/video_feed"))
            pieces = answer.aiter_bytes()
            await anext(pieces)
            seen.append(pieces)
        refused = await web.get("/video_feed")
    assert refused.status_code == 503
    assert "4 watch already" in refused.json()["message"]
