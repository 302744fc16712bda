"""Each check passes, warns or fails by the facts, and says what to do unless it passes."""

from __future__ import annotations

import pytest

from agent.health import checks
from agent.health.checks import HealthResult, Status
from agent.health.journal import HealthJournal
from vision.pool.budget import Allocation, Budget, Priority, usage_of


@pytest.mark.parametrize(
    ("frame_age_s", "watched_s", "ended", "expected"),
    [
        (0.1, 100, False, Status.PASS),
        (checks.STALE_FRAME_S + 1, 100, False, Status.WARN),
        (checks.DEAD_FRAME_S + 1, 100, False, Status.FAIL),
        (None, 100, False, Status.FAIL),
        (None, 1, False, Status.PASS),
        (None, 100, True, Status.PASS),
    ],
)
def test_camera_is_judged_by_the_age_of_its_newest_frame(
    frame_age_s: float | None, watched_s: float, ended: bool, expected: Status
) -> None:
    result = checks.check_camera(
        frame_age_s=frame_age_s, watched_s=watched_s, restarts=0, last_error=None, ended=ended
    )
    assert result.status is expected


def test_a_camera_that_an_operator_stopped_is_a_warning_that_says_so() -> None:
    result = checks.check_camera(
        frame_age_s=900, watched_s=1000, restarts=0, last_error=None, ended=False, is_held=True
    )
    assert result.status is Status.WARN
    assert "start it" in result.message


def test_camera_says_why_and_how_often_it_was_restarted() -> None:
    result = checks.check_camera(
        frame_age_s=None, watched_s=100, restarts=3, last_error="no such device", ended=False
    )
    assert "no such device" in result.message
    assert "restarted 3 times" in result.message


@pytest.mark.parametrize(
    ("free", "expected"), [(50, Status.PASS), (9, Status.WARN), (2, Status.FAIL)]
)
def test_disk_warns_before_it_is_full(free: int, expected: Status) -> None:
    result = checks.check_disk(free_bytes=free * 10**9, total_bytes=100 * 10**9)
    assert result.status is expected


def test_link_down_tells_how_much_waits() -> None:
    result = checks.check_link(is_open=False, waiting_rows=7, advice="connection refused")
    assert result.status is Status.WARN
    assert "7 rows wait" in result.message


def test_refused_rows_are_a_warning() -> None:
    result = checks.check_database(sqlite_version="3.54.1", refused_rows=2)
    assert result.status is Status.WARN


def _result(status: Status) -> HealthResult:
    return HealthResult(component="camera", status=status, message="")


def test_change_is_due_at_once_and_steady_state_once_an_interval() -> None:
    journal = HealthJournal(interval_s=60)
    passed, failed = _result(Status.PASS), _result(Status.FAIL)
    assert journal.due([passed], now_s=0) == [passed]
    assert journal.due([passed], now_s=30) == []
    assert journal.due([failed], now_s=31) == [failed]
    assert journal.due([failed], now_s=90) == []
    assert journal.due([failed], now_s=91) == [failed]


@pytest.mark.parametrize(
    ("used", "expected"), [(0, Status.PASS), (89, Status.PASS), (90, Status.WARN)]
)
def test_models_that_fill_their_memory_are_a_warning(used: int, expected: Status) -> None:
    budget = Budget(device="cpu", capacity=100_000_000)
    held = Allocation(
        name="a", device="cpu", size=used * 1_000_000, priority=Priority.HIGH, last_used_s=0
    )
    result = checks.check_models([usage_of(budget, [held])])
    assert result.status is expected
    assert (f"{used} MB of 100 MB on cpu" in result.message) is bool(used)
