"""Of one passage a list raises one alert, which names the best entry and the others."""

from __future__ import annotations

from typing import Any

from server.watchlist.passage import one_of_each_list
from server.watchlist.rules import Match


def match(entry_id: int, listed: str, **given: Any) -> Match:
    values = {"list_id": 1, "key": "AB1234", "likelihood": 1.0, "reason": "", "cooldown_s": 300.0}
    named = len(listed.strip("*"))
    return Match(**{**values, "entry_id": entry_id, "listed": listed, "named": named, **given})


def test_the_likeliest_entry_that_names_most_of_the_plate_is_told_with_the_others() -> None:
    (found,) = one_of_each_list(
        [
            match(1, "AB*", cooldown_s=0.0),
            match(2, "ABI234", likelihood=0.01, reason="of March"),
            match(3, "AB1234", reason="stolen"),
        ]
    )
    assert (found.entry_id, found.listed, found.cooldown_s) == (3, "AB1234", 0.0)
    assert found.reason == "stolen; also listed: ABI234 (1%): of March, AB*"
    (many,) = one_of_each_list(
        match(number, "A" * number, reason="of May" if number == 1 else "")
        for number in range(1, 7)
    )
    assert many.entry_id == 6
    assert many.reason == "also listed: A: of May, AAAAA, AAAA, 2 more"


def test_other_lists_and_other_persons_have_their_own_alerts() -> None:
    alone = [match(1, "AB*"), match(2, "AB1234", list_id=2)]
    persons = [match(number, "", key=f"person {number}", class_id=number) for number in (3, 4)]
    assert one_of_each_list([*alone, *persons]) == [*alone, *persons]
