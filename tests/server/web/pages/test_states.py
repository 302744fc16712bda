"""How bad a state looks, which points a chart marks, and who is the last administrator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.accounts.contract import Standing, User
from server.accounts.permissions import Role
from server.storage.reading.cameras import ComponentHealth
from server.web.pages import charts, states
from server.web.pages.users import is_last_admin

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
