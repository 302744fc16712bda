"""The camera's account of its rows: what is said, and that what is not known is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.health.account import MOST_RANGES, Account, ranges


def test_everything_that_is_known_is_said_in_the_words_of_the_wire() -> None:
    account = Account(
        captured=12,
        acknowledged=7,
        waiting=2,
        refused=2,
        evicted=1,
        last_sequence=12,
        refused_sequences=(3, 9),
        oldest_waiting_at=datetime(2026, 3, 1, 1, tzinfo=UTC),
        offset_s=-0.25,
        throttled=0x50005,
    )
    assert account.as_message() == {
        "rows_captured": "12",
        "rows_acknowledged": "7",
        "rows_waiting": "2",
        "rows_refused": "2",
        "rows_evicted": "1",
        "last_sequence": "12",
        "refused_sequences": "3,9",
        "oldest_waiting_at": "2026-03-01T01:00:00+00:00",
        "clock_offset_s": "-0.250",
        "throttled": "0x50005",
    }


def test_what_is_not_known_is_left_out() -> None:
    account = Account(captured=0, acknowledged=0, waiting=0, refused=0, evicted=0, last_sequence=0)
    assert set(account.as_message()) == {
        *("rows_captured", "rows_acknowledged", "rows_waiting", "rows_refused", "rows_evicted"),
        "last_sequence",
    }


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((), ""), ((5,), "5"), ((3, 4, 5, 9), "3-5,9"), ((1, 3, 4), "1,3-4")],
)
def test_numbers_become_ranges(numbers: tuple[int, ...], expected: str) -> None:
    assert ranges(numbers) == expected


def test_of_very_many_ranges_the_last_are_told() -> None:
    told = ranges(range(0, 1000, 2)).split(",")
    assert (len(told), told[-1]) == (MOST_RANGES, "998")
