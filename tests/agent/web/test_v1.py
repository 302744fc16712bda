"""Our own paths, and what settings do to a running camera."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import apsw
import cv2
import httpx
import numpy as np
import pytest

from agent.assembly import Opener
from agent.camera.factory import open_source
from agent.camera.v4l2 import Panel
from agent.camera.v4l2_controls import Id
from agent.camera.video_device import VideoDeviceSource
from guarding.origin import PROXY_HEADERS
from tests.agent.outbox.ends import settle
from tests.agent.web.camera import SOURCE, Camera, running_camera
from tests.agent.web.conftest import PLATES
from tests.fakes.v4l2 import FakeVideoNode

pytestmark = pytest.mark.asyncio(loop_scope="module")

LANE = {"name": "Lane", "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]}


async def test_status_says_what_runs_and_how_the_link_is(web: httpx.AsyncClient) -> None:
    status = (await web.get("/api/v1/status")).json()
    on = {"camera": True, "detection": False, "monitoring": True, "sender": True}
    assert status["running"] == on
    assert {"state", "advice", "is_open", "since", "in_flight", "url"} <= status["link"].keys()
    assert status["captured"] == status["waiting"] + status["acknowledged"] + status["refused"]


async def test_health_is_a_page_for_browsers_and_json_for_programs(web: httpx.AsyncClient) -> None:
    checks = {one["component"]: one for one in await checked(web)}
    assert checks["pipeline"]["status"] == "WARN"
    assert "stopped the reading" in checks["pipeline"]["message"]  # as this camera is
    program = (await web.get("/health")).json()
    assert program["status"] == "ok"
    states = ("PASS", "WARN", "FAIL")
    assert program["state"] == max((one["status"] for one in program["health"]), key=states.index)
    assert program["state"] != "PASS"
    assert all(0 <= one["unused_s"] < 600 for one in program["models"])
    assert program["models"]
    browser = await web.get("/health", headers={"Accept": "text/html,*/*"})
    assert browser.text.startswith("<!doctype html>")


async def checked(web: httpx.AsyncClient) -> list[dict[str, str]]:
    results: list[dict[str, str]] = (await web.post("/api/health_check")).json()["results"]
    return results


async def test_the_coach_advises_on_what_was_seen(web: httpx.AsyncClient) -> None:
    (advice,) = (await web.get("/api/v1/advice")).json()
    # the test's sightings: 100 px wide, read with 93%, 33 ms
    assert advice["level"] == "change"
    assert advice["text"] == "shutter 33 ms blurs moving plates: set 2 ms or add light"


async def test_sightings_are_filtered_by_state_and_direction(web: httpx.AsyncClient) -> None:
    for query, total in (
        ("sent=waiting", len(PLATES)),
        ("sent=sent", 0),
        ("direction=approaching", len(PLATES)),
        ("direction=left", 0),
    ):
        assert (await web.get(f"/api/v1/sightings?{query}")).json()["total"] == total, query
    assert (await web.get("/api/v1/sightings?sent=lost")).status_code == 400


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("page=999", "There is no page 999: the last one is 1."),
        ("date_from=2026-03-05&date_to=2026-03-04", "From (2026-03-05) is later than To"),
    ],
)
async def test_a_list_that_can_only_be_empty_says_why(
    web: httpx.AsyncClient, query: str, said: str
) -> None:
    page = (await web.get(f"/detection?{query}", headers={"Accept": "text/html"})).text
    assert said in page
    assert "Nothing matches" not in page
    assert "Nothing has passed" not in page


async def test_a_picture_that_was_given_up_is_told_in_words(
    web: httpx.AsyncClient, camera: Camera
) -> None:
    (row_id,) = camera.pass_by("GIVEN 1")
    with contextlib.closing(apsw.Connection(str(camera.settings.db_path))) as connection:
        connection.execute(
            "UPDATE detection_results SET image_status = 'evicted' WHERE id = ?", (row_id,)
        )
    for path in ("/detection?search=GIVEN", f"/detection/{row_id}"):
        page = (await web.get(path, headers={"Accept": "text/html"})).text
        assert "given up" in page
        assert "/download/" not in page


async def test_one_sighting_has_its_evidence(web: httpx.AsyncClient) -> None:
    first = (await web.get("/api/v1/sightings?sort_by=id&descending=false")).json()["data"][0]
    whole = (await web.get(f"/api/v1/sightings/{first['id']}")).json()
    assert whole["evidence"]["readings"] == [{"text": PLATES[0], "confidence": 0.93}]
    for nowhere in (999999, 2**63, 0, -1):
        missing = await web.get(f"/api/v1/sightings/{nowhere}")
        assert missing.status_code == 404
    page = await web.get("/detection/999999", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "There is no sighting 999999" in page.text


@pytest.mark.parametrize(("path", "code"), [("/nowhere", 404), ("/detection/abc", 400)])
async def test_a_wrong_address_is_a_page_with_a_way_back_and_json_for_programs(
    web: httpx.AsyncClient, path: str, code: int
) -> None:
    browser = await web.get(path, headers={"Accept": "text/html,*/*"})
    assert browser.status_code == code
    assert "<h1>This cannot be shown</h1>" in browser.text
    assert '<a href="/">' in browser.text
    program = await web.get(path)
    assert program.status_code == code
    assert program.json()["status"] == "error"


async def test_a_wrong_method_is_told_with_the_right_ones(web: httpx.AsyncClient) -> None:
    answer = await web.post("/api/v1/status")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


WRONG_SETTINGS: list[tuple[Any, str]] = [
    ({"cooldown_s": -1}, "cooldown_s: expected at least 0, got -1"),
    ({"cooldown_s": "soon"}, "cooldown_s: expected a valid number, got 'soon'"),
    ({"speed": 1}, "speed: there is no such field; there are camera, min_confidence, cooldown_s"),
    ({"camera": {"zoom": 2}}, "camera.zoom: there is no such field; there are brightness"),
    ({"camera": {"awb_mode": 1.5}}, "camera.awb_mode: expected a valid integer"),
    ({"zones": [{**LANE, "points": []}]}, "zones.0.points: expected at least 3 items"),
    ({"zones": [{**LANE, "points": [[0, 0], [0, 0], [0, 0]]}]}, "zones.0: the zone is too small"),
    ([], "body: expected an object"),
]
JSON = {"content-type": "application/json"}


async def test_settings_are_changed_key_by_key_and_undone_with_null(
    web: httpx.AsyncClient,
) -> None:
    await web.put("/api/v1/settings", json={"cooldown_s": 7, "camera": {"contrast": 2}})
    now = (await web.put("/api/v1/settings", json={"zones": [LANE]})).json()
    assert (now["set"]["cooldown_s"], now["set"]["camera"]["contrast"]) == (7, 2)
    assert now["set"]["zones"] == [LANE]
    assert now["effective"]["min_confidence"] == 0.5
    undone = {"cooldown_s": None, "camera": {"contrast": None}, "zones": []}
    now = (await web.put("/api/v1/settings", json=undone)).json()
    assert now["effective"]["cooldown_s"] == 30
    assert now["set"]["camera"]["contrast"] is None


async def test_a_setting_that_makes_no_sense_changes_nothing_and_is_told_in_words(
    web: httpx.AsyncClient,
) -> None:
    before = (await web.get("/api/v1/settings")).json()
    for wrong, said in WRONG_SETTINGS:
        answer = await web.put("/api/v1/settings", json=wrong)
        assert answer.status_code == 400
        assert said in answer.json()["message"]
    answer = await web.put("/api/v1/settings", content=b"{", headers=JSON)
    assert "the body is no JSON" in answer.json()["message"]
    answer = await web.put("/api/v1/settings", json={"camera": {"focus": 0.5, "contrast": 1.1}})
    assert answer.status_code == 400
    assert "camera.focus: this camera does not take that from here" in answer.json()["message"]
    assert (await web.get("/api/v1/settings")).json() == before


async def test_brightness_shows_in_the_next_pictures(web: httpx.AsyncClient) -> None:
    async def brightness() -> float:
        content = (await web.get("/api/v1/picture.jpg")).content
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert picture is not None
        return float(picture.mean())

    async with asyncio.timeout(20):
        while (await web.get("/api/v1/picture.jpg")).status_code == 404:
            continue  # the camera is starting
        before = await brightness()
        await web.put("/api/v1/settings", json={"camera": {"brightness": 0.3}})
        while await brightness() < before + 40:
            continue
        await web.put("/api/v1/settings", json={"camera": {"brightness": None}})
        while await brightness() > before + 20:
            continue


async def test_refused_rows_are_told_with_the_reason(
    web: httpx.AsyncClient, camera: Camera
) -> None:
    settle(camera.parts.outbox, refused=1)
    (row,) = (await web.get("/api/v1/refused")).json()
    assert row["kind"] == "sighting"
    assert row["send_error"]
    page = await web.get("/websocket", headers={"Accept": "text/html"})
    assert row["send_error"] in page.text


async def test_every_path_is_in_the_reference(web: httpx.AsyncClient) -> None:
    document = (await web.get("/openapi.json")).json()
    page = (await web.get("/docs", headers={"Accept": "text/html"})).text
    assert "/api/v1/settings" in document["paths"]
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000"])
async def test_a_name_that_was_pointed_here_gets_nothing(web: httpx.AsyncClient, host: str) -> None:
    assert (await web.get("/api/v1/status", headers={"Host": host})).status_code == 421


@pytest.mark.parametrize("header", sorted(PROXY_HEADERS))
async def test_without_a_password_nobody_comes_through_a_proxy(
    web: httpx.AsyncClient, header: str
) -> None:
    answer = await web.get("/api/v1/status", headers={header: "192.0.2.7"})
    assert answer.status_code == 403
    assert "python -m agent password" in answer.json()["message"]


async def test_another_page_changes_nothing(web: httpx.AsyncClient, camera: Camera) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await web.post("/api/stop_camera", headers=headers)
        assert answer.status_code == 403
    assert not camera.parts.capture.stats.is_held


async def test_a_body_beyond_any_need_is_refused(web: httpx.AsyncClient) -> None:
    answer = await web.put("/api/v1/settings", content=json.dumps({"x": "x" * 70_000}))
    assert answer.status_code == 413


def _usb_camera(node: FakeVideoNode) -> Opener:
    """Opens the synthetic road with the controls of a USB camera."""
    return lambda _: VideoDeviceSource(open_source(SOURCE), open_panel=lambda: Panel(node))


async def test_settings_outlast_the_agent_and_what_was_stopped_does_not(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, node = tmp_path_factory.mktemp("restarted"), FakeVideoNode()
    running = running_camera(folder, source="v4l2:/dev/video0", opener=_usb_camera(node))
    async with running as first, httpx.AsyncClient(base_url=first.url) as client:
        async with asyncio.timeout(20):
            while "this camera: 0.3 to 204.7" not in (await client.get("/settings")).text:
                continue  # it is being opened
        wanted: dict[str, Any] = {"cooldown_s": 7, "zones": [LANE], "camera": {"exposure_ms": 2}}
        assert (await client.put("/api/v1/settings", json=wanted)).status_code == 200
        assert await asyncio.to_thread(node.awaited, Id.EXPOSURE_ABSOLUTE, 20)
        for method, path, body in (
            ("PUT", "/api/v1/settings", {"camera": {"exposure_ms": 500}}),
            ("POST", "/api/update_camera_settings", {"exposure_ms": 500}),
        ):
            answer = await client.request(method, path, json=body)
            assert answer.status_code == 400
            said = "camera.exposure_ms 500: this camera takes 0.3 to 204.7"
            assert said in answer.json()["message"]
        await client.post("/api/stop_camera")
        await client.post("/api/stop_websocket_sender")
    node = FakeVideoNode()
    running = running_camera(folder, source="v4l2:/dev/video0", opener=_usb_camera(node))
    async with running as again, httpx.AsyncClient(base_url=again.url) as client:
        effective = (await client.get("/api/v1/settings")).json()["effective"]
        assert (effective["cooldown_s"], effective["zones"]) == (7, [LANE])
        assert await asyncio.to_thread(node.awaited, Id.EXPOSURE_ABSOLUTE, 20)
        runs = (await client.get("/api/v1/status")).json()["running"]
        assert (runs["camera"], runs["sender"]) == (True, True)
