"""Camera, pipeline, sightings and the agent itself, by their facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.health.result import Status
from agent.health.watching import (
    AgentFacts,
    CameraFacts,
    PipelineFacts,
    check_agent,
    check_camera,
    check_pipeline,
    check_sightings,
)

CAMERA = CameraFacts(frame_age_s=0.1, watched_s=100, deadline_s=30)
PIPELINE = PipelineFacts(busy_s=None, deadline_s=30, frames=1)
AGENT = AgentFacts(
    running_s=7200,
    frames_per_s=9.8,
    frames=900,
    dropped=100,
    has_ended=False,
    process_id=77,
    version="1.2.3",
)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (CAMERA, Status.PASS),
        (replace(CAMERA, frame_age_s=11.0), Status.WARN),
        (replace(CAMERA, frame_age_s=31.0), Status.FAIL),
        (replace(CAMERA, frame_age_s=None, watched_s=31.0), Status.FAIL),
        (replace(CAMERA, frame_age_s=None, watched_s=2.0), Status.PASS),
        (replace(CAMERA, frame_age_s=None, watched_s=2.0, last_error="no device"), Status.WARN),
        (replace(CAMERA, frame_age_s=None, has_ended=True), Status.PASS),
        (replace(CAMERA, frame_age_s=90.0, is_held=True), Status.WARN),
        (replace(CAMERA, frame_age_s=90.0, is_given_up=True), Status.FAIL),
    ],
)
def test_camera_is_judged_by_the_age_of_its_newest_frame(
    facts: CameraFacts, expected: Status
) -> None:
    assert check_camera(facts).status is expected


def test_camera_says_why_and_what_was_tried() -> None:
    facts = replace(CAMERA, frame_age_s=50.0, reopened=3, restarted=1, last_error="no such device")
    message = check_camera(facts).message
    assert "no such device" in message
    assert "opened again 3 times, restarted once" in message


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (PIPELINE, Status.PASS),
        (replace(PIPELINE, busy_s=29.0), Status.PASS),
        (replace(PIPELINE, busy_s=31.0), Status.FAIL),
        (replace(PIPELINE, failures=2, in_a_row=2), Status.FAIL),
        (replace(PIPELINE, failures=2), Status.WARN),
        (replace(PIPELINE, is_given_up=True), Status.FAIL),
        (replace(PIPELINE, is_held=True), Status.WARN),
        (replace(PIPELINE, change_error="faces: no such file"), Status.WARN),
        (replace(PIPELINE, is_held=True, failures=2, in_a_row=2), Status.WARN),
        (replace(PIPELINE, is_held=True, busy_s=31.0), Status.FAIL),
    ],
)
def test_pipeline_fails_while_frames_are_not_read(facts: PipelineFacts, expected: Status) -> None:
    assert check_pipeline(facts).status is expected


def test_before_the_first_frame_nothing_is_said_to_have_been_read() -> None:
    assert "every frame" not in check_pipeline(replace(PIPELINE, frames=0)).message
    assert "every frame" in check_pipeline(PIPELINE).message


def test_a_reading_that_an_operator_has_stopped_says_where_it_is_started() -> None:
    message = check_pipeline(replace(PIPELINE, is_held=True)).message
    assert message == "an operator has stopped the reading: start it at the camera's page"


def test_a_page_that_is_not_there_is_a_warning_that_says_why() -> None:
    fault = "no page on http://127.0.0.1:8000/ (Address already in use)"
    result = check_agent(replace(AGENT, page_fault=fault))
    assert result.status is Status.WARN
    assert fault in result.message


def test_sightings_that_were_lost_are_a_failure() -> None:
    assert check_sightings(lost=0).status is Status.PASS
    assert check_sightings(lost=1).status is Status.FAIL


def test_agent_tells_rates_and_warns_where_it_does_not_keep_up() -> None:
    assert "up 2 hours, 9.8 frames/s, 10% left out for newer ones" in check_agent(AGENT).message
    slow = replace(AGENT, frames_per_s=0.4, frames=10, dropped=200)
    assert check_agent(slow).status is Status.WARN
