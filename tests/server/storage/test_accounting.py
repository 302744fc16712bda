"""The books of a camera: every number is here, or its absence has a cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.storage.accounting import MOST_GAPS, Account, Said, StoredRow, account
from server.storage.camera_report import report_of
from server.storage.reading.cameras import CameraReport, EvictionNote, GapCause

MORNING = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
DAY = MORNING.date()


def at(number: int) -> datetime:
    """The `number`th row's time of capture: one each ten minutes."""
    return MORNING + number * timedelta(minutes=10)


def rows(*numbers: int, epoch: str = "e1") -> list[StoredRow]:
    return [(epoch, number, at(number).isoformat(timespec="milliseconds")) for number in numbers]


def report(**said: str) -> CameraReport:
    return report_of(said, at(50))


def note(first: int, last: int, kind: str = "row") -> EvictionNote:
    return EvictionNote(
        at=at(last),
        kind=kind,
        reason="disk_full",
        table="lpr_detection",
        count=last - first + 1,
        size_bytes=0,
        first_sequence=first,
        last_sequence=last,
        message="",
    )


def said(
    told: CameraReport | None = None, *evictions: EvictionNote, epoch: str | None = "e1"
) -> Said:
    return Said(epoch=epoch, report=told, evictions=tuple(("e1", each) for each in evictions))


def causes(found: Account) -> list[tuple[int, int, str]]:
    return [(gap.first, gap.last, gap.cause.value) for gap in found.gaps]


def test_without_holes_all_is_acknowledged() -> None:
    found = account(rows(3, 1, 2), said(), since=DAY)
    assert found.gaps == ()
    (day,) = found.days
    assert (day.captured, day.acknowledged) == (3, 3)


def test_a_hole_is_cut_by_what_explains_its_parts() -> None:
    told = report(rows_waiting="2", refused_sequences="7,9-10")
    found = account(rows(1, 12), said(told, note(3, 5), note(2, 2, "picture")), since=DAY)
    assert causes(found) == [
        (2, 2, "waiting"),
        (3, 5, "evicted"),
        (6, 6, "waiting"),
        (7, 7, "refused"),
        (8, 8, "unexplained"),
        (9, 10, "refused"),
        (11, 11, "unexplained"),
    ]
    (day,) = found.days
    parts = (day.acknowledged, day.waiting, day.refused, day.evicted, day.unexplained)
    assert (day.captured, parts) == (12, (2, 2, 3, 3, 2))
    assert "gave up 3 rows of lpr_detection" in found.gaps[1].explanation
    assert "--retry-refused" in found.gaps[3].explanation


def test_what_waits_behind_the_last_number_explains_no_hole() -> None:
    told = report(rows_waiting="3", last_sequence="8")
    assert causes(account(rows(1, 5), said(told), since=DAY)) == [(2, 4, "unexplained")]
    told = report(rows_waiting="6", last_sequence="8")
    assert causes(account(rows(1, 5), said(told), since=DAY)) == [(2, 4, "waiting")]


def test_what_is_older_than_the_oldest_waiting_row_does_not_wait() -> None:
    told = report(rows_waiting="9", oldest_waiting_at=at(6).isoformat())
    found = account(rows(1, 3, 10), said(told), since=DAY)
    assert causes(found) == [(4, 9, "waiting"), (2, 2, "unexplained")]
    assert "these are older" in found.gaps[1].explanation


@pytest.mark.parametrize(
    ("told", "epoch", "expected"),
    [
        (None, "e1", "does not say what it still holds"),
        (report(), "e1", "does not say what it still holds"),
        (report(rows_waiting="5"), "e2", "an earlier database"),
        (report(rows_waiting="0"), "e1", "0 rows wait there: it has not told of these"),
    ],
)
def test_what_nobody_explains_says_so(told: CameraReport | None, epoch: str, expected: str) -> None:
    (gap,) = account(rows(1, 3), said(told, epoch=epoch), since=DAY).gaps
    assert gap.cause is GapCause.UNEXPLAINED
    assert expected in gap.explanation
    assert (gap.after, gap.before) == (at(1), at(3))


def test_a_hole_belongs_to_the_day_of_the_row_behind_it_and_earlier_days_are_left_out() -> None:
    next_day = (date(2026, 3, 2) - DAY).days * 24 * 6
    late = [("e1", n, (at(next_day) + timedelta(minutes=n)).isoformat()) for n in (8, 9)]
    found = account([*rows(1, 3), *late], said(), since=date(2026, 3, 2))
    (day,) = found.days
    assert (day.day, day.captured, day.unexplained) == (date(2026, 3, 2), 6, 4)
    assert causes(found) == [(4, 7, "unexplained")]


def test_of_very_many_gaps_the_newest_are_named_and_all_are_counted() -> None:
    found = account(rows(*range(1, 300, 2)), said(), since=DAY)
    assert (len(found.gaps), found.more_gaps) == (MOST_GAPS, 149 - MOST_GAPS)
    assert sum(day.unexplained for day in found.days) == 149


@given(
    numbers=st.sets(st.integers(1, 60)),
    evicted=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=4),
    refused=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=4),
    waiting=st.integers(0, 70),
)
def test_the_books_of_a_day_always_add_up(
    numbers: set[int],
    evicted: list[tuple[int, int]],
    refused: list[tuple[int, int]],
    waiting: int,
) -> None:
    told = replace(
        report(rows_waiting=str(waiting)),
        refused_sequences=tuple((first, first + more) for first, more in refused),
    )
    notes = [note(first, first + more) for first, more in evicted]
    found = account(rows(*numbers), said(told, *notes), since=DAY)
    for day in found.days:
        parts = (day.acknowledged, day.waiting, day.refused, day.evicted, day.unexplained)
        assert day.captured == sum(parts)
    captured = max(numbers) - min(numbers) + 1 if numbers else 0
    assert sum(day.captured for day in found.days) == captured
    missing = {number for gap in found.gaps for number in range(gap.first, gap.last + 1)}
    assert sum(gap.count for gap in found.gaps) == len(missing)
    assert not missing & numbers
    assert sum(day.waiting for day in found.days) <= waiting
