"""Hours of the week: read, written, and whether a moment is within them."""

from __future__ import annotations

from datetime import datetime

import pytest

from server.errors import QuestionInvalid
from server.watchlist.schedule import holds, parse, text_of


def at(text: str) -> datetime:
    """Of March 2026, whose second is a Monday."""
    return datetime.fromisoformat(f"2026-03-{text}")


@pytest.mark.parametrize(
    ("text", "moments", "others"),
    [
        ("", ["02T00:00", "08T23:59"], []),
        ("mon-fri 08:00-18:00", ["02T08:00", "06T17:59"], ["02T18:00", "07T10:00"]),
        ("22:00-06:00", ["02T22:00", "03T05:59"], ["03T06:00", "03T12:00"]),
        ("fri 22:00-06:00", ["06T23:00", "07T05:00"], ["06T05:00", "07T22:30"]),
        ("sat-mon 00:00-24:00", ["07T00:00", "09T23:59"], ["10T00:00"]),
        ("Mon, Wed 9:00-10:00; sun 12:00 - 13:00", ["04T09:30", "08T12:30"], ["03T09:30"]),
    ],
)
def test_a_schedule_holds_in_its_hours(text: str, moments: list[str], others: list[str]) -> None:
    for schedule in (parse(text), parse(text_of(parse(text)))):
        assert all(holds(schedule, at(each)) for each in moments)
        assert not any(holds(schedule, at(each)) for each in others)


def test_every_day_is_not_spelled_out() -> None:
    assert text_of(parse("22:00-6:00; sat,sun 0:00-24:00")) == "22:00-06:00; sat,sun 00:00-24:00"


@pytest.mark.parametrize(
    "text", ["always", "mon", "08:00", "mun 08:00-09:00", "25:00-26:00", "08:60-09:00", "a" * 600]
)
def test_what_is_no_schedule_is_told_with_an_example(text: str) -> None:
    with pytest.raises(QuestionInvalid, match="schedule"):
        parse(text)
