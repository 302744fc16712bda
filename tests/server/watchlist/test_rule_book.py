"""What rules say of a sighting, compared with every rule looked at one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.storage.plate_pattern import PlatePattern
from server.storage.reading.sightings import Matching
from server.watchlist.rule_book import NOBODY, RuleBook
from server.watchlist.rules import EntryRule, Kind, Likeness, ListRule, Match, Scope, Seen, Subject
from server.watchlist.schedule import holds, parse
from wire.pattern_tree import PatternTree
from wire.plates import compact

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BANGKOK = ZoneInfo("Asia/Bangkok")


def seen(plate: str = "AB 1234", **given: Any) -> Seen:
    return Seen(
        **{
            "subject": Subject.PLATES,
            "sighting_id": 1,
            "device_id": "gate-1",
            "at": NOON,
            "plate": plate,
            **given,
        }
    )


def book_of(lists: Iterable[ListRule], entries: Iterable[EntryRule]) -> RuleBook:
    book = RuleBook()
    for rule in lists:
        book.put_list(rule)
    for entry in entries:
        book.put_entry(entry)
    return book


def said(
    lists: Sequence[ListRule], entries: Sequence[EntryRule], of: Seen
) -> list[tuple[int, int, float]]:
    matches = book_of(lists, entries).evaluate(of, BANGKOK)
    return [(each.list_id, each.entry_id, each.likelihood) for each in matches]


def a_list(kind: Kind = Kind.ALERT, **given: Any) -> ListRule:
    return ListRule(**{"id": 1, "kind": kind, "subject": Subject.PLATES, **given})


def entry(plate: str = "", number: int = 1, **given: Any) -> EntryRule:
    return EntryRule(**{"id": number, "list_id": 1, "plate": plate, **given})


def test_plates_match_whole_with_wildcards_and_with_look_alikes() -> None:
    entries = [
        entry("ab-1234", 1, matching=Matching.EXACT),
        entry("A8 I234", 2),
        entry("a8 i234", 3, matching=Matching.EXACT),
        entry("A?12*", 4, matching=Matching.EXACT),
        entry("*I2?4", 5),
        entry("AB123", 6),
        entry("AB12345", 7),
    ]
    found = said([a_list()], entries, seen())
    assert [each[1] for each in found] == [1, 2, 4, 5]
    likelihoods = {number: likelihood for _, number, likelihood in found}
    assert likelihoods == {1: 1.0, 2: pytest.approx(0.01), 4: 1.0, 5: pytest.approx(0.1)}


def test_the_readings_own_doubt_says_how_likely_a_look_alike_is() -> None:
    characters = [(each, 0.99, []) for each in "AB"] + [("1", 0.6, [("I", 0.4)])]
    characters += [(each, 0.99, []) for each in "234"]
    ((_, _, likelihood),) = said([a_list()], [entry("ABI234")], seen(alternatives=characters))
    assert likelihood == pytest.approx(0.4)
    assert not said(
        [a_list(least_likelihood=0.5)], [entry("ABI234")], seen(alternatives=characters)
    )


def test_thai_plates_are_found_as_they_are_written() -> None:
    assert said([a_list()], [entry("1กก 1234")], seen("1กก1234"))
    assert not said([a_list()], [entry("1กก 1234")], seen("1กข1234"))


@pytest.mark.parametrize(
    ("scope", "is_met"),
    [
        (Scope(device_ids=frozenset({"gate-1", "gate-2"})), True),
        (Scope(device_ids=frozenset({"gate-2"})), False),
        (Scope(valid_from=NOON), True),
        (Scope(valid_from=NOON + timedelta(seconds=1)), False),
        (Scope(valid_until=NOON), False),
        (Scope(valid_until=NOON + timedelta(seconds=1)), True),
        (Scope(schedule=parse("mon 19:00-20:00")), True),  # noon in Bangkok is 19:00
        (Scope(schedule=parse("mon 12:00-13:00")), False),
    ],
)
def test_a_scope_holds_for_lists_and_for_entries(scope: Scope, *, is_met: bool) -> None:
    assert bool(said([a_list(scope=scope)], [entry("AB1234")], seen())) is is_met
    assert bool(said([a_list()], [entry("AB1234", scope=scope)], seen())) is is_met


def test_a_list_of_known_plates_alerts_on_the_others() -> None:
    known = [entry("AB1234"), entry("XY*", 2)]
    unknown = [a_list(Kind.UNKNOWN)]
    assert said(unknown, known, seen("AB1234")) == said(unknown, known, seen("XY 9")) == []
    assert said(unknown, known, seen("QQ 1")) == [(1, NOBODY, 1.0)]
    assert said(unknown, known, seen("")) == []  # nothing was read: nobody knows
    assert said([a_list(Kind.UNKNOWN, is_enabled=False)], known, seen("QQ 1")) == []


def test_a_mute_list_silences_all_others() -> None:
    lists = [a_list(), a_list(Kind.UNKNOWN, id=2), a_list(Kind.MUTE, id=3)]
    entries = [entry("AB*"), entry("AB1234", 2, list_id=3)]
    assert said(lists, entries, seen("AB1234")) == []
    assert [each[0] for each in said(lists, entries, seen("AB 1"))] == [1, 2]


def test_persons_are_matched_by_their_number_and_unknown_faces_told_apart() -> None:
    lists = [a_list(subject=Subject.PERSONS), a_list(Kind.UNKNOWN, id=2, subject=Subject.PERSONS)]
    entries = [entry(class_id=7), entry(number=2, list_id=2, class_id=7)]
    face = seen("", subject=Subject.PERSONS, persons=(Likeness(class_id=7, probability=0.9),))
    assert said(lists, entries, face) == [(1, 1, 0.9)]
    stranger = seen("", subject=Subject.PERSONS)
    assert said(lists, entries, stranger) == [(2, NOBODY, 1.0)]
    assert said(lists, entries, seen("", subject=Subject.PERSONS, is_comparable=False)) == []
    assert said(lists, entries, seen("AB1234")) == []


def test_an_uncertain_reading_does_not_count_but_one_without_confidence_does() -> None:
    lists, entries = [a_list(least_percent=80)], [entry("AB1234")]
    assert not said(lists, entries, seen(confidence_percent=79.9))
    assert said(lists, entries, seen(confidence_percent=80))
    assert said(lists, entries, seen(confidence_percent=None))


def test_what_is_put_again_replaces_and_what_is_dropped_says_nothing() -> None:
    book = book_of([a_list()], [entry("AB1234"), entry("AB*", 2), entry("CD*", 3)])
    book.put_entry(entry("XY1", 1))
    book.drop_entry(2)
    book.drop_entry(99)
    assert book.evaluate(seen(), UTC) == ()
    assert [each.entry_id for each in book.evaluate(seen("XY 1"), UTC)] == [1]
    book.drop_list(1)
    assert len(book) == 0
    assert not book.has_rules


CHARACTERS = "AB0O1I8"
plates = st.text(CHARACTERS, max_size=6)
patterns = st.text(CHARACTERS + "*?", min_size=1, max_size=6).filter(PlatePattern.parse)
scopes = st.builds(
    Scope,
    device_ids=st.sampled_from([frozenset(), frozenset({"gate-1"}), frozenset({"gate-2"})]),
    schedule=st.sampled_from([(), parse("mon 00:00-24:00"), parse("tue 00:00-24:00")]),
    valid_until=st.sampled_from([None, NOON, NOON + timedelta(1)]),
)
list_rules = st.builds(
    ListRule,
    id=st.integers(1, 4),
    kind=st.sampled_from(Kind),
    subject=st.just(Subject.PLATES),
    scope=scopes,
    is_enabled=st.booleans(),
    least_likelihood=st.sampled_from([0.0, 0.05]),
)
entry_rules = st.builds(
    EntryRule,
    id=st.integers(1, 60),
    list_id=st.integers(1, 4),
    plate=patterns,
    matching=st.sampled_from(Matching),
    scope=scopes,
)


def one_by_one(
    lists: Iterable[ListRule], entries: Iterable[EntryRule], of: Seen
) -> list[tuple[int, int]]:
    """The same, as slowly and plainly as can be."""
    found, known = [], set()
    in_force = {rule.id: rule for rule in lists if rule.is_enabled and covers(rule.scope, of)}
    for each in entries:
        rule = in_force.get(each.list_id)
        if rule is None or not covers(each.scope, of):
            continue
        if likelihood_of(each, of) <= max(0.0, rule.least_likelihood - 1e-9):
            continue
        if rule.kind is Kind.MUTE:
            return []
        known.add(rule.id)
        if rule.kind is Kind.ALERT:
            found.append((rule.id, each.id))
    found += [
        (rule.id, NOBODY)
        for rule in in_force.values()
        if rule.kind is Kind.UNKNOWN and rule.id not in known
    ]
    return sorted(found) if compact(of.plate) else []


def covers(scope: Scope, of: Seen) -> bool:
    is_valid = scope.valid_until is None or of.at < scope.valid_until
    is_here = not scope.device_ids or of.device_id in scope.device_ids
    return is_valid and is_here and holds(scope.schedule, of.at.astimezone(BANGKOK))


def likelihood_of(rule: EntryRule, of: Seen) -> float:
    pattern = PlatePattern.parse(rule.plate)
    assert pattern is not None
    if rule.matching is Matching.LIKELY:
        return pattern.likelihood(of.plate)
    regex = "".join({"*": ".*", "?": "."}.get(each, each) for each in pattern.text)
    return float(re.fullmatch(regex, compact(of.plate)) is not None)


@settings(deadline=None, max_examples=60)
@given(st.lists(list_rules), st.lists(entry_rules, max_size=60), st.lists(plates, min_size=1))
def test_the_index_finds_what_looking_at_each_rule_finds(
    lists: list[ListRule], entries: list[EntryRule], texts: list[str]
) -> None:
    book = book_of(lists, entries)
    last_lists = {rule.id: rule for rule in lists}.values()
    last_entries = {rule.id: rule for rule in entries}.values()
    for text in texts:
        found = [(each.list_id, each.entry_id) for each in book.evaluate(seen(text), BANGKOK)]
        assert found == one_by_one(last_lists, last_entries, seen(text))


@settings(deadline=None, max_examples=60)
@given(st.lists(patterns, max_size=80), st.lists(st.booleans(), max_size=80), plates)
def test_a_tree_finds_the_patterns_that_are_left_in_it(
    texts: list[str], leave: list[bool], text: str
) -> None:
    tree = PatternTree()
    for number, pattern in enumerate(texts):
        tree.add(pattern, number)
    gone = {number for number, is_left in enumerate(leave[: len(texts)]) if not is_left}
    for number in gone:
        tree.remove(texts[number], number)
    expected = {
        number
        for number, pattern in enumerate(texts)
        if number not in gone
        and re.fullmatch("".join({"*": ".*", "?": "."}.get(c, c) for c in pattern), text)
    }
    assert tree.find(text) == expected


def test_a_match_says_why_and_what_was_seen() -> None:
    rules = [entry("AB*", reason="wanted", cooldown_s=5.0)]
    assert book_of([a_list(cooldown_s=60.0)], rules).evaluate(seen("AB O1"), UTC) == (
        Match(
            list_id=1,
            entry_id=1,
            key="A801",
            likelihood=1.0,
            reason="wanted",
            cooldown_s=5.0,
            listed="AB*",
            named=2,
        ),
    )
