"""GET /metrics of a real agent, behind the same door as everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from telemetry.catalogue import CATALOGUE
from tests.agent.web.camera import Camera, running_camera

PASSWORD = "correct horse"
Samples = Mapping[tuple[str, ...], float]


async def page(camera: Camera, **options: object) -> str:
    async with httpx.AsyncClient(base_url=camera.url) as browser:
        answer = await browser.get("/metrics", **options)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.text


def samples(text: str) -> Samples:
    """Every sample by its name and the values of its labels, in the order of the labels' names."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
async def camera(tmp_path: Path) -> AsyncIterator[Camera]:
    async with running_camera(tmp_path) as camera:
        yield camera


async def test_books_link_frames_and_machine_are_told(camera: Camera) -> None:
    camera.pass_by("AB1234", "CD5678")
    await camera.parts.monitor.look_now()
    said = samples(await page(camera))
    assert 0 <= said["sightpost_capture_frame_age_seconds",] < 60
    waiting = said["sightpost_outbox_rows", "waiting"]
    assert waiting >= 2
    assert said["sightpost_outbox_captured_rows_total",] == waiting
    assert said["sightpost_outbox_oldest_waiting_seconds",] > 0
    assert said["sightpost_uplink_state", "open"] == 0
    states = [value for name, value in said.items() if name[0] == "sightpost_uplink_state"]
    assert sum(states) == 1
    assert said["sightpost_pictures_bytes",] > 0
    assert 0 < said["sightpost_disk_free_bytes",] < said["sightpost_disk_size_bytes",]
    assert said["sightpost_health_status", "database"] == 0
    assert said["ai_service_memory_usage_bytes", "agent"] > 10e6
    assert ("sightpost_uplink_credit_rows",) not in said  # no server has given any
    assert ("sightpost_uplink_clock_offset_seconds",) not in said


async def test_every_metric_is_one_of_the_catalogue(camera: Camera) -> None:
    await camera.parts.monitor.look_now()
    await page(camera)
    labels = {metric.name.removesuffix("_total"): metric.labels for metric in CATALOGUE}
    found = [
        family
        for family in text_string_to_metric_families(await page(camera))
        if not family.name.startswith("process_")
    ]
    assert len(found) > 25
    for family in found:
        for sample in family.samples:
            assert {*sample.labels} - {"le"} == {*labels[family.name]}, sample


async def test_with_a_password_prometheus_logs_in_too(tmp_path: Path) -> None:
    async with running_camera(tmp_path, password=PASSWORD) as camera:
        async with httpx.AsyncClient(base_url=camera.url) as browser:
            assert (await browser.get("/metrics")).status_code == 401
        said = samples(await page(camera, auth=("operator", PASSWORD)))
    refused = ("ai_service_requests_total", "other", "GET", "agent", "success")
    assert said[refused] == 1
