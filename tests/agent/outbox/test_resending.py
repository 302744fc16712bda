"""Rows go again to a server that was put back to a backup: all that it lost, hardly more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.delivery import ServerHolds, Settlement
from agent.outbox.sending import RESENDS
from agent.outbox.store import Outbox
from tests.agent.outbox.ends import asked, assert_books_balance, opened, settle, waiting
from tests.agent.outbox.sightings import plate
from wire.limits import RUNS

NOW = datetime.now(UTC)
WAITING = "SELECT sequence FROM detection_results WHERE sent_to_server = 0 ORDER BY sequence"


def holds(rows: int, run: str = "r1", known_run: str | None = None) -> ServerHolds:
    return ServerHolds(rows=rows, run=run, known_run=known_run)


def acknowledged(outbox: Outbox, *counts: int | None) -> None:
    """New rows, each acknowledged when the server held so many."""
    for count in counts:
        outbox.record_plate(plate(seed=1, width=32))
        (row,) = waiting(outbox)
        store = outbox.sending()
        store.settle(Settlement(acknowledged=[row.key], server_rows=count))
        store.close()


def resent(outbox: Outbox, *greetings: ServerHolds) -> list[int]:
    """The numbers of the rows that wait after these greetings."""
    store = outbox.sending()
    try:
        for server in greetings:
            store.resend_missing(server)
    finally:
        store.close()
    assert_books_balance(outbox)
    return [sequence for (sequence,) in asked(outbox.path, WAITING)]


def runs(outbox: Outbox) -> list[str]:
    store = outbox.sending()
    try:
        return list(store.identity().server_runs)
    finally:
        store.close()


def test_server_that_has_all_gets_nothing_again(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        assert resent(outbox, holds(0)) == []
        acknowledged(outbox, 1, 2, 3)
        assert resent(outbox, holds(3, "r1", "r1")) == []
        assert resent(outbox, holds(4, "r2", "r1")) == []
        assert resent(outbox, holds(9, "r3", "r2")) == []
        assert runs(outbox) == ["r3", "r2", "r1"]


def test_backup_of_an_earlier_run_gets_what_was_acknowledged_since(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        resent(outbox, holds(0, "r1"))
        acknowledged(outbox, 1, 2)
        resent(outbox, holds(2, "r2", "r1"))
        acknowledged(outbox, 3, 4)
        assert resent(outbox, holds(1, "r3", "r1")) == [2, 3, 4]
        assert runs(outbox) == ["r3", "r1"]


def test_backup_of_the_last_run_gets_what_was_acknowledged_since(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        resent(outbox, holds(0, "r1"))
        acknowledged(outbox, 1, 2, 3)
        assert resent(outbox, holds(2, "r2", "r1")) == [3]


def test_backup_of_another_history_counts_no_further_than_the_fork(tmp_path: Path) -> None:
    """r2 was lost with the first restore; now a backup from its time is put in place."""
    with opened(tmp_path) as outbox:
        resent(outbox, holds(0, "r1"))
        acknowledged(outbox, 1, 2)
        resent(outbox, holds(2, "r3", "r1"))
        acknowledged(outbox, 3, 4)
        assert resent(outbox, holds(9, "r4", "r1")) == [3, 4]


def test_server_that_lost_all_and_another_server_get_all(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        resent(outbox, holds(0, "r1"))
        acknowledged(outbox, 1, 2)
        assert resent(outbox, holds(7, "other", None)) == [1, 2]
        assert runs(outbox) == ["other"]


def test_rows_acknowledged_by_a_server_that_does_not_count_are_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        acknowledged(outbox, None, None)
        assert resent(outbox, holds(0, "r1")) == []
        acknowledged(outbox, 1)
        assert resent(outbox, holds(0, "r2", None)) == [3]


def test_rows_from_before_the_device_was_renamed_are_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        resent(outbox, holds(0, "r1"))
        acknowledged(outbox, 1, 2)
    with Outbox.open(tmp_path / "lpr_data.db", tmp_path / "captured", "cam-2") as outbox:
        assert runs(outbox) == []
        assert resent(outbox, holds(0, "r1", None)) == []
        acknowledged(outbox, 1, 2)
        assert resent(outbox, holds(1, "r2", "r1")) == [4]


def test_no_count_of_one_epoch_is_taken_for_one_of_the_next(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        resent(outbox, holds(0, "r1"))
        acknowledged(outbox, 500)
    with Outbox.open(tmp_path / "lpr_data.db", tmp_path / "captured", "cam-2") as outbox:
        resent(outbox, holds(0, "r1", None))
        acknowledged(outbox, 1)
        assert resent(outbox, holds(1, "r2", "r1")) == []


def test_server_that_never_counts_is_given_up_on(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        store = outbox.sending()
        store.resend_missing(holds(0))
        for _ in range(RESENDS):
            outbox.record_plate(plate(seed=1, width=32))
            keys = [row.key for row in waiting(outbox)]
            store.settle(Settlement(acknowledged=keys, server_rows=5))
            assert store.resend_missing(holds(0, "r1", "r1")) == len(keys)
        keys = [row.key for row in waiting(outbox)]
        store.settle(Settlement(acknowledged=keys, server_rows=5))
        assert store.resend_missing(holds(0, "r1", "r1")) == 0
        assert store.resend_missing(holds(0, "r2", "r1")) == len(keys)  # it was restored, truly
        store.close()


def test_only_the_latest_runs_are_remembered(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        resent(outbox, holds(0, "r0"))
        for number in range(1, RUNS + 3):
            resent(outbox, holds(number, f"r{number}", f"r{number - 1}"))
        names = runs(outbox)
        assert names == [f"r{number}" for number in range(RUNS + 2, 2, -1)]
        resent(outbox, holds(99, names[0], names[0]))
        assert runs(outbox) == names


@pytest.mark.parametrize(("minutes", "expected"), [(10, [2]), (60, [1, 2]), (0, [])])
def test_resend_since_goes_by_the_acknowledgement(
    tmp_path: Path, minutes: float, expected: list[int]
) -> None:
    with opened(tmp_path) as outbox:
        acknowledged(outbox, 1, 2)
        with outbox.writing() as connection:
            for row_id, ago in ((1, 50), (2, 5)):
                connection.execute(
                    "UPDATE detection_results SET sent_timestamp = ? WHERE id = ?",
                    ((NOW - timedelta(minutes=ago)).isoformat(), row_id),
                )
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
