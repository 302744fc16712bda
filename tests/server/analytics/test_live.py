"""The realtime message has the names that dashboards read, and values that were measured."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from server.analytics.live import ALWAYS, Moment, Totals, message, work_between
from telemetry.distribution import SECONDS, Distribution, Spread

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OVERALL = {
    *("total_requests", "active_users", "response_time_avg", "response_time_95th"),
    *("error_rate", "success_rate"),
}


def times(*values: float) -> Spread:
    made = Distribution(SECONDS)
    made.add_all(values)
    return made.spread()


BEFORE = Moment(
    at=AT,
    at_s=100.0,
    services={
        "ingest": Totals(requests=10, errors=1, times=times(0.1)),
        "face_detection": Totals(requests=4, seen=6, pictures=4, is_part=True),
    },
)
NOW = Moment(
    at=AT + timedelta(seconds=30),
    at_s=130.0,
    services={
        "ingest": Totals(requests=40, errors=4, times=times(0.1, 0.3, 0.5)),
        "face_detection": Totals(requests=14, seen=26, pictures=14, is_part=True),
    },
    active_users=2,
    accuracy={"plate_recognition": 0.97},
)


def test_rates_and_times_are_of_what_lies_between() -> None:
    said = message(BEFORE, NOW)["metrics"]
    assert said["ingest"] == {
        "request_rate": 1.0,
        "response_time": pytest.approx(0.4),
        "error_rate": 0.1,
    }
    overall = said["overall"]
    assert set(overall) == OVERALL
    assert overall["total_requests"] == 40  # what is a part of another counts once
    assert overall["error_rate"] == pytest.approx(3 / 30)
    assert overall["success_rate"] == pytest.approx(90)
    assert overall["response_time_avg"] == pytest.approx(0.4)
    assert 0.25 < overall["response_time_95th"] <= 0.5
    assert overall["active_users"] == 2


def test_faces_are_told_by_the_minute_and_by_picture() -> None:
    said = message(BEFORE, NOW)["metrics"]["face_detection"]
    assert said["faces_detected_per_min"] == 40.0
    assert said["avg_faces_per_image"] == 2.0
    assert said["response_time"] is None  # nobody timed it
    assert said["error_rate"] is None  # or counted


def test_the_older_keys_are_always_there_and_null_without_a_value() -> None:
    empty = Moment(at=AT, at_s=1.0, services={})
    said = message(empty, replace(empty, at_s=6.0))["metrics"]
    assert list(said) == ["overall", *ALWAYS]
    assert said["face_recognition"] == dict.fromkeys(
        ("request_rate", "response_time", "error_rate", "accuracy", "active_models")
    )
    assert said["face_detection"] == dict.fromkeys(
        (
            *("request_rate", "response_time", "error_rate"),
            *("faces_detected_per_min", "avg_faces_per_image"),
        )
    )
    assert said["overall"]["success_rate"] is None
    assert said["overall"]["total_requests"] == 0


def test_accuracy_stands_with_its_service() -> None:
    assert message(BEFORE, NOW)["metrics"]["plate_recognition"]["accuracy"] == 0.97


def test_message_is_plain_json() -> None:
    assert json.loads(json.dumps(message(BEFORE, NOW)))["timestamp"] == "2026-03-01T12:00:30+00:00"


def test_counters_that_began_anew_count_from_there() -> None:
    anew = replace(NOW, services={"ingest": Totals(requests=3, errors=1, times=times(0.2))})
    work = work_between(BEFORE, anew, "ingest")
    assert work is not None
    assert (work.requests, work.errors) == (3, 1)
    assert work.times == times(0.2)
    assert work_between(BEFORE, anew, "nobody") is None
