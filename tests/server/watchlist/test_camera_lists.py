"""What cameras are given of the lists: only what is theirs, and no more than they can hold."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from server.storage.reading.sightings import Matching
from server.watchlist.camera_lists import NOTHING, GoingPlate, Holdings
from server.watchlist.rule_book import RuleBook
from server.watchlist.rules import EntryRule, Kind, ListRule, Scope, Subject
from wire.limits import PLATE_CHARACTERS, WATCHED_PLATES
from wire.v1 import WatchedPlate


def going(*plates: str, to: frozenset[str] | None = None) -> list[GoingPlate]:
    return [GoingPlate(plate=WatchedPlate(plate=each), device_ids=to) for each in plates]


def texts(holdings: Holdings, device_id: str) -> list[str]:
    return sorted(each.plate for each in holdings.of(device_id).plates)


def book_of(lists: Iterable[ListRule]) -> RuleBook:
    """Each list with the plate `P` and its number."""
    book = RuleBook()
    for rule in lists:
        book.put_list(rule)
        book.put_entry(EntryRule(id=rule.id, list_id=rule.id, plate=f"P{rule.id}"))
    return book


def test_only_alert_lists_in_force_that_go_to_cameras_do() -> None:
    def rule(
        number: int, kind: Kind = Kind.ALERT, *, on: bool = True, goes: bool = True
    ) -> ListRule:
        return ListRule(
            id=number, kind=kind, subject=Subject.PLATES, is_enabled=on, goes_to_cameras=goes
        )

    book = book_of(
        [
            rule(1),
            rule(2, goes=False),
            rule(3, on=False),
            rule(4, Kind.MUTE),
            rule(5, Kind.UNKNOWN),
        ]
    )
    book.put_entry(EntryRule(id=6, list_id=1, class_id=7))
    assert texts(Holdings(book.going()), "gate-1") == ["P1"]


def test_a_camera_gets_plates_of_lists_and_entries_that_both_speak_of_it() -> None:
    book = RuleBook()
    for number, cameras in ((1, {"gate-1", "gate-2"}), (2, set())):
        book.put_list(
            ListRule(
                id=number,
                kind=Kind.ALERT,
                subject=Subject.PLATES,
                scope=Scope(device_ids=frozenset(cameras)),
                goes_to_cameras=True,
            )
        )
    for number, (list_id, cameras) in enumerate(
        [(1, set()), (1, {"gate-2"}), (1, {"gate-3"}), (2, set()), (2, {"gate-3"})], 1
    ):
        scope = Scope(device_ids=frozenset(cameras))
        book.put_entry(EntryRule(id=number, list_id=list_id, plate=f"P{number}", scope=scope))
    holdings = Holdings(book.going())
    assert texts(holdings, "gate-1") == ["P1", "P4"]
    assert texts(holdings, "gate-2") == ["P1", "P2", "P4"]
    assert texts(holdings, "gate-3") == ["P4", "P5"]
    assert texts(holdings, "gate-4") == ["P4"]


def test_nothing_but_the_plate_its_matching_and_its_time_goes() -> None:
    book = book_of([ListRule(id=1, kind=Kind.ALERT, subject=Subject.PLATES, goes_to_cameras=True)])
    book.put_entry(
        EntryRule(id=1, list_id=1, plate="ab 1", matching=Matching.EXACT, reason="stolen")
    )
    (plate,) = Holdings(book.going()).of("gate-1").plates
    assert msgspec.json.encode(plate) == b'{"plate":"AB1","matching":"exact"}'


def test_a_camera_that_too_many_speak_of_holds_none_and_others_theirs() -> None:
    most = [f"P{number}" for number in range(WATCHED_PLATES)]
    holdings = Holdings([*going(*most), *going("Q", to=frozenset({"gate-1"}))])
    assert holdings.of("gate-1") == NOTHING
    assert len(holdings.of("gate-2").plates) == WATCHED_PLATES
    assert Holdings(going(*most, "Q")).of("gate-2") == NOTHING


def test_a_text_that_no_reading_can_have_stays_here() -> None:
    assert texts(Holdings(going("A" * (PLATE_CHARACTERS + 1), "B")), "gate-1") == ["B"]
