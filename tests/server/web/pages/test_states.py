"""How bad a state looks, which points a chart marks, and who is the last administrator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.accounts.contract import Standing, User
from server.accounts.permissions import Role
from server.storage.reading.cameras import CameraDetail, CameraState, ComponentHealth
from server.web.pages import charts, states
from server.web.pages.users import is_last_admin
from tests.server.web.pages.test_drawing import camera

NOW = datetime(2026, 8, 6, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statuses", "level"),
    [(["WARN"], "warn"), (["WARN", "WARN"], "warn"), (["WARN", "FAIL"], "bad"), (["odd"], "warn")],
)
def test_faults_look_as_bad_as_the_worst_of_them(statuses: list[str], level: str) -> None:
    faults = [
        ComponentHealth(component="clock", status=each, message="", at=NOW) for each in statuses
    ]
    assert states.faults_level(faults) == level


@pytest.mark.parametrize(
    ("settings", "minutes", "is_old"),
    [
        ({}, 14, False),
        ({}, 16, True),
        ({"HEALTH_CHECK_INTERVAL": "3600"}, 179, False),
        ({"HEALTH_CHECK_INTERVAL": "60.0"}, 4, True),
        ({"HEALTH_CHECK_INTERVAL": "1"}, 0.9, False),
        ({"HEALTH_CHECK_INTERVAL": {"a": 1}}, 16, True),
        ({"HEALTH_CHECK_INTERVAL": "1e999"}, 16, True),
        ({"HEALTH_CHECK_INTERVAL": "nan"}, 14, False),
    ],
)
def test_what_a_camera_said_some_of_its_intervals_ago_is_old(
    settings: dict[str, Any], minutes: float, is_old: bool
) -> None:
    told = CameraDetail(card=camera("gate-1"), health=(), report=None, settings=settings)
    assert states.is_old(NOW - timedelta(minutes=minutes), told, NOW) is is_old


def test_what_a_camera_said_that_is_not_online_is_old() -> None:
    card = replace(camera("gate-1"), state=CameraState.LATE)
    assert states.is_old(NOW, CameraDetail(card=card, health=(), report=None, settings={}), NOW)


def test_a_clock_that_is_behind_makes_nothing_old() -> None:
    card = replace(camera("gate-1"), clock_offset_s=3600.0)
    told = CameraDetail(card=card, health=(), report=None, settings={})
    assert not states.is_old(NOW - timedelta(minutes=65), told, NOW)
    assert states.is_old(NOW - timedelta(minutes=76), told, NOW)


@pytest.mark.parametrize(("count", "is_marked"), [(1, True), (20, True), (240, False)])
def test_a_line_of_few_points_marks_them(count: int, is_marked: bool) -> None:
    points = [(NOW + timedelta(minutes=each), 1.0) for each in range(count)]
    assert charts.line("rows", points, "good", UTC)["showSymbol"] is is_marked


def test_only_the_last_active_admin_is_the_last() -> None:
    ada, bo = account(1, Role.ADMIN), account(2, Role.OPERATOR)
    assert is_last_admin(ada, [ada, bo])
    assert not is_last_admin(bo, [ada, bo])
    assert not is_last_admin(ada, [ada, account(3, Role.ADMIN)])
    assert is_last_admin(ada, [ada, account(3, Role.ADMIN, Standing.DISABLED)])


def account(number: int, role: Role, standing: Standing = Standing.ACTIVE) -> User:
    return User(
        id=number,
        name=f"user-{number}",
        full_name="",
        role=role,
        standing=standing,
        created_at=NOW,
        last_sign_in_at=None,
    )
