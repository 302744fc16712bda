"""A camera that dies, a machine short of memory: told, survived, and over by itself."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.health.asking import ask
from agent.health.result import HealthResult, Status
from tests.end_to_end.programs import Installation, installation, rows_of, wait_until
from tests.end_to_end.rtsp_camera import rtsp_camera

DEADLINE_S = 3
LOOK_S = 1
SLACK_S = 15
"""For a machine that does much else besides."""


def _health(place: Installation, component: str) -> HealthResult | None:
    answer = ask(place.agent_database, timeout_s=10)
    if answer is None:
        return None
    return next(one for one in answer.as_results() if one.component == component)


def _is(place: Installation, component: str, status: Status) -> bool:
    result = _health(place, component)
    return result is not None and result.status is status


@pytest.mark.system
def test_an_rtsp_camera_that_dies_is_told_within_its_deadline_and_taken_up_again(
    tmp_path: Path,
) -> None:
    with (
        rtsp_camera() as camera,
        installation(
            tmp_path, AGENT_CAMERA_DEADLINE_S=str(DEADLINE_S), HEALTH_CHECK_INTERVAL="60"
        ) as place,
    ):
        camera.start()
        place.start_server()
        agent = place.start_agent(camera.address)

        def has_frames() -> bool:
            result = _health(place, "camera")
            return result is not None and "newest frame" in result.message

        wait_until(has_frames, what="frames of the camera")
        camera.kill()
        died_s = time.monotonic()
        wait_until(lambda: _is(place, "camera", Status.FAIL), what="FAIL for the camera")
        assert time.monotonic() - died_s < DEADLINE_S + LOOK_S + SLACK_S
        # The sender goes on: the server hears of it while the camera is dead.
        told = "SELECT 1 FROM health_monitors WHERE component = 'camera' AND status = 'FAIL'"
        wait_until(lambda: bool(rows_of(place.server_database, told)), what="FAIL at the server")
        camera.start()
        wait_until(lambda: _is(place, "camera", Status.PASS), what="PASS for the camera")
        result = _health(place, "camera")
        assert result is not None
        assert "opened again" in result.message
        assert agent.poll() is None


def test_near_its_memory_limit_the_agent_sheds_work_says_so_and_goes_on_sending(
    tmp_path: Path,
) -> None:
    with installation(tmp_path, AGENT_MEMORY_LIMIT_MB="120", HEALTH_CHECK_INTERVAL="1") as place:
        place.start_server()
        agent = place.start_agent("synthetic:?seed=4&night=0")

        def sheds() -> bool:
            result = _health(place, "memory")
            return result is not None and "fewer frames" in result.message

        wait_until(sheds, what="work that is shed")
        result = _health(place, "memory")
        assert result is not None
        assert "of 120 MB" in result.message
        wait_until(lambda: bool(place.stored()), what="a sighting at the server all the same")
        assert agent.poll() is None
