"""Rows go again to a server that was restored: all that it lost, no more than a little besides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.outbox.sending import RESENDS, SendingStore
from agent.outbox.store import Outbox
from tests.agent.outbox.ends import asked, assert_books_balance, opened, settle, waiting
from tests.agent.outbox.sightings import plate

NOW = datetime.now(UTC)
WAITING = "SELECT sequence FROM detection_results WHERE sent_to_server = 0 ORDER BY sequence"


def acknowledged(outbox: Outbox, count: int, *, minutes_ago: float = 0.0) -> None:
    """New rows, acknowledged so long ago."""
    known = asked(outbox.path, "SELECT coalesce(max(id), 0) FROM detection_results")[0][0]
    for seed in range(count):
        outbox.record_plate(plate(seed=seed + 1, width=32))
    settle(outbox, acknowledged=count)
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    with outbox.writing() as connection:
        connection.execute(
            "UPDATE detection_results SET sent_timestamp = ? WHERE id > ?", (at, known)
        )


def resent(outbox: Outbox, *held: int) -> list[int]:
    """What one sender queues that hears these numbers, one after the other."""
    store: SendingStore = outbox.sending()
    try:
        for number in held:
            store.resend_missing(number)
    finally:
        store.close()
    assert_books_balance(outbox)
    return [sequence for (sequence,) in asked(outbox.path, WAITING)]


def test_server_that_has_all_gets_nothing_again(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        assert resent(outbox, 0) == []
        acknowledged(outbox, 5)
        assert resent(outbox, 5) == []
        assert resent(outbox, 9) == []


def test_server_restored_from_a_backup_gets_all_since_again(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        resent(outbox, 0)
        acknowledged(outbox, 30, minutes_ago=600)
        acknowledged(outbox, 30, minutes_ago=60)
        acknowledged(outbox, 5)
        lost = resent(outbox, 60)
        assert set(range(61, 66)) <= set(lost)
        assert lost == list(range(31, 66))  # from the minutes around the backup on; no older ones


def test_late_rows_below_the_number_are_sent_again_too(tmp_path: Path) -> None:
    """The backlog came after fresh rows: a greater number does not mean that it was there."""
    with opened(tmp_path) as outbox:
        resent(outbox, 0)
        for seed in range(40):
            outbox.record_plate(plate(seed=seed + 1, width=32))
        settle(outbox, acknowledged=40)
        with outbox.writing() as connection:
            for first, last, minutes in ((1, 10, 5), (11, 20, 500), (21, 39, 60), (40, 40, 1)):
                connection.execute(
                    "UPDATE detection_results SET sent_timestamp = ? "
                    "WHERE sequence BETWEEN ? AND ?",
                    ((NOW - timedelta(minutes=minutes)).isoformat(), first, last),
                )
        lost = resent(outbox, 39)
        assert 40 in lost
        assert set(range(1, 11)) <= set(lost)


def test_server_that_lost_all_gets_all_again(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        resent(outbox, 0)
        acknowledged(outbox, 5)
        assert resent(outbox, 0) == [1, 2, 3, 4, 5]


def test_rows_acknowledged_by_a_server_without_numbers_are_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        acknowledged(outbox, 5)  # by the classic exchange
        assert resent(outbox, 0) == []  # the first server that counts
        acknowledged(outbox, 3)
        assert resent(outbox, 0) == [6, 7, 8]


def test_rows_from_before_the_device_was_renamed_are_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        resent(outbox, 0)
        acknowledged(outbox, 5)
    database = tmp_path / "lpr_data.db"
    with Outbox.open(database, tmp_path / "captured", "cam-2") as outbox:
        assert resent(outbox, 0) == []
        acknowledged(outbox, 2)
        assert resent(outbox, 6) == [6, 7]


def test_server_that_never_counts_is_given_up_on(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        store = outbox.sending()
        store.resend_missing(0)
        acknowledged(outbox, 3)
        for _ in range(RESENDS):
            assert store.resend_missing(0) == 3
            settle(outbox, acknowledged=3)
        assert store.resend_missing(0) == 0
        acknowledged(outbox, 1)
        assert store.resend_missing(3) == 4  # it does count: the row after 3 is gone
        store.close()


@pytest.mark.parametrize(("minutes", "expected"), [(10, [2]), (60, [1, 2]), (0, [])])
def test_resend_since_goes_by_the_acknowledgement(
    tmp_path: Path, minutes: float, expected: list[int]
) -> None:
    with opened(tmp_path) as outbox:
        acknowledged(outbox, 1, minutes_ago=50)
        acknowledged(outbox, 1, minutes_ago=5)
        outbox.record_plate(plate(seed=9, width=32))
        ids = [row.row.id for row in waiting(outbox)]
        store = outbox.sending()
        assert store.resend_since(NOW - timedelta(minutes=minutes)) == len(expected)
        store.close()
        assert_books_balance(outbox)
        rows = waiting(outbox)
        assert [row.row.sequence for row in rows] == [*expected, 3]
        assert [row.row.id for row in rows][-1] == ids[0]


def test_refused_rows_are_not_resent(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        for seed in range(3):
            outbox.record_plate(plate(seed=seed + 1, width=32))
        settle(outbox, acknowledged=1, refused=1)
        store = outbox.sending()
        assert store.resend_since(NOW - timedelta(days=1)) == 1
        store.close()
        assert [row.row.sequence for row in waiting(outbox)] == [1, 3]
