"""All rules, arranged so that a sighting finds those that speak of it: what is to raise an alert.

Pure: rules, a sighting and a time zone in, matches out. The same rules in any order say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Final

from server.storage.plate_pattern import PlatePattern
from server.storage.reading.sightings import Matching
from server.watchlist.camera_lists import GoingPlate
from server.watchlist.rules import EntryRule, Kind, ListRule, Match, Scope, Seen, Subject
from wire.pattern_tree import PatternTree
from wire.plates import compact, plate_key
from wire.v1 import WatchedPlate

NOBODY: Final = 0
"""In place of an entry's id: whoever is in no entry."""


class PlateIndex:
    """Plates of entries, found by a text in the same form: whole ones and those with wildcards."""

    def __init__(self) -> None:
        self._whole: dict[str, list[int]] = {}
        self._open = PatternTree()

    def add(self, plate: str, number: int, *, is_whole: bool) -> None:
        if is_whole:
            self._whole.setdefault(plate, []).append(number)
        else:
            self._open.add(plate, number)

    def remove(self, plate: str, number: int, *, is_whole: bool) -> None:
        if not is_whole:
            self._open.remove(plate, number)
            return
        self._whole[plate].remove(number)
        if not self._whole[plate]:
            del self._whole[plate]

    def find(self, text: str) -> Iterator[int]:
        yield from self._whole.get(text, ())
        yield from self._open.find(text)


class RuleBook:
    """Changes by `put_*` and `drop_*`; a rule that is put again replaces the one with its id."""

    def __init__(self) -> None:
        self._lists: dict[int, ListRule] = {}
        self._entries: dict[int, EntryRule] = {}
        self._patterns: dict[int, PlatePattern] = {}
        self._plates = {matching: PlateIndex() for matching in Matching}
        self._persons: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def has_rules(self) -> bool:
        """Whether there is any list that could say something."""
        return any(each.is_enabled and each.kind is not Kind.MUTE for each in self._lists.values())

    def put_list(self, rule: ListRule) -> None:
        self._lists[rule.id] = rule

    def drop_list(self, list_id: int) -> None:
        """With its entries."""
        self._lists.pop(list_id, None)
        for entry in [each for each in self._entries.values() if each.list_id == list_id]:
            self.drop_entry(entry.id)

    def put_entry(self, rule: EntryRule) -> None:
        """Raises QuestionInvalid where its plate is none."""
        pattern = PlatePattern.parse(rule.plate) if rule.class_id is None else None
        self.drop_entry(rule.id)
        self._entries[rule.id] = rule
        if rule.class_id is not None:
            self._persons.setdefault(rule.class_id, set()).add(rule.id)
        elif pattern is not None:
            self._patterns[rule.id] = pattern
            text = _indexed(pattern, rule.matching)
            self._plates[rule.matching].add(text, rule.id, is_whole=pattern.is_whole)

    def drop_entry(self, entry_id: int) -> None:
        rule = self._entries.pop(entry_id, None)
        if rule is None:
            return
        if rule.class_id is not None:
            self._persons[rule.class_id].discard(entry_id)
        pattern = self._patterns.pop(entry_id, None)
        if pattern is not None:
            text = _indexed(pattern, rule.matching)
            self._plates[rule.matching].remove(text, entry_id, is_whole=pattern.is_whole)

    def least_likelihood(self, list_id: int) -> float:
        """Of a list that is in the book."""
        return self._lists[list_id].least_likelihood

    def is_in_doubt(self, seen: Seen) -> bool:
        """Whether an entry is like what was read, and not the same: how likely the two are one is
        in what the camera said of the characters, also where none of them raises an alert."""
        return seen.subject is Subject.PLATES and any(
            0 < likelihood < 1 for _, likelihood in self._named(seen)
        )

    def going(self) -> Iterator[GoingPlate]:
        """Plates for cameras to hold themselves. Hours stay here: a camera marks at any of them."""
        for entry_id, pattern in self._patterns.items():
            entry = self._entries[entry_id]
            rule = self._lists.get(entry.list_id)
            if rule is None or not (rule.goes_to_cameras and rule.is_enabled):
                continue
            device_ids = _cameras_of_both(rule.scope, entry.scope)
            if rule.kind is not Kind.ALERT or device_ids == frozenset():
                continue
            plate = WatchedPlate(
                plate=pattern.text,
                matching="exact" if entry.matching is Matching.EXACT else "likely",
                valid_from=entry.scope.valid_from,
                valid_until=entry.scope.valid_until,
            )
            yield GoingPlate(plate=plate, device_ids=device_ids)

    def evaluate(self, seen: Seen, zone: tzinfo) -> tuple[Match, ...]:
        """What raises an alert, in order of list and entry; schedules are of `zone`."""
        if seen.subject is Subject.PLATES and not compact(seen.plate):
            return ()
        found: list[Match] = []
        known: set[int] = set()
        for rule, entry, likelihood in self._candidates(seen):
            if not _counts(rule, seen, zone) or likelihood < rule.least_likelihood:
                continue
            if not entry.scope.covers(seen.device_id, seen.at, zone):
                continue
            if rule.kind is Kind.MUTE:
                return ()
            known.add(rule.id)
            if rule.kind is Kind.ALERT:
                found.append(_match(rule, entry, seen, likelihood))
        found += [
            Match(
                list_id=rule.id,
                entry_id=NOBODY,
                key=_key_of(seen, None),
                likelihood=1.0,
                reason="",
                cooldown_s=rule.cooldown_s,
            )
            for rule in self._lists.values()
            if rule.kind is Kind.UNKNOWN
            and rule.id not in known
            and seen.is_comparable
            and _counts(rule, seen, zone)
        ]
        return tuple(sorted(found, key=lambda each: (each.list_id, each.entry_id)))

    def _candidates(self, seen: Seen) -> Iterator[tuple[ListRule, EntryRule, float]]:
        """Entries that name what was seen, with how likely it is that, wherever and whenever."""
        for entry_id, likelihood in self._named(seen):
            entry = self._entries[entry_id]
            rule = self._lists.get(entry.list_id)
            if rule is not None:
                yield rule, entry, likelihood

    def _named(self, seen: Seen) -> Iterator[tuple[int, float]]:
        if seen.subject is Subject.PERSONS:
            for person in seen.persons:
                for entry_id in self._persons.get(person.class_id, ()):
                    yield entry_id, person.probability
            return
        for entry_id in self._plates[Matching.EXACT].find(compact(seen.plate)):
            yield entry_id, 1.0
        for entry_id in self._plates[Matching.LIKELY].find(plate_key(seen.plate)):
            yield entry_id, self._patterns[entry_id].likelihood(seen.plate, seen.alternatives)


def _cameras_of_both(one: Scope, other: Scope) -> frozenset[str] | None:
    """Those that both scopes speak of; None: all."""
    if not one.device_ids or not other.device_ids:
        return one.device_ids or other.device_ids or None
    return one.device_ids & other.device_ids


def _indexed(pattern: PlatePattern, matching: Matching) -> str:
    return pattern.text if matching is Matching.EXACT else pattern.key


def _counts(rule: ListRule, seen: Seen, zone: tzinfo) -> bool:
    """A list speaks of a sighting of its kind, at its cameras, in its hours, if it was read well
    enough; one whose camera said no confidence counts."""
    is_sure = (
        rule.least_percent is None
        or seen.confidence_percent is None
        or seen.confidence_percent >= rule.least_percent
    )
    return (
        rule.is_enabled
        and rule.subject is seen.subject
        and is_sure
        and rule.scope.covers(seen.device_id, seen.at, zone)
    )


def _match(rule: ListRule, entry: EntryRule, seen: Seen, likelihood: float) -> Match:
    return Match(
        list_id=rule.id,
        entry_id=entry.id,
        key=_key_of(seen, entry.class_id),
        likelihood=likelihood,
        reason=entry.reason,
        cooldown_s=rule.cooldown_s if entry.cooldown_s is None else entry.cooldown_s,
        class_id=entry.class_id,
        listed=entry.plate,
        named=sum(each not in "*?" for each in compact(entry.plate)),
    )


def _key_of(seen: Seen, class_id: int | None) -> str:
    if seen.subject is Subject.PLATES:
        return plate_key(seen.plate)
    return "face" if class_id is None else f"person {class_id}"
