"""What may be written down of a list or an entry, and in which form it is kept. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from server.errors import QuestionInvalid
from server.row_id import is_id
from server.storage.plate_pattern import PlatePattern
from server.storage.times import YEARS
from server.watchlist import schedule
from server.watchlist.contract import EntryDetails, ListDetails
from server.watchlist.rules import EntryRule, Kind, ListRule, Scope, Subject

LONGEST: Final = 200
"""Characters of a text."""
_ON_NO_PLATE: Final = frozenset({"Sm", "Sc", "Sk", "So", "Ps", "Pe"})
"""Categories of Unicode: signs of sums and money, symbols, brackets."""
MOST_DEVICES: Final = 1000
LONGEST_COOLDOWN_S: Final = 30 * 24 * 3600


def checked_list(details: ListDetails) -> ListDetails:
    """Texts in NFC, the schedule in its own words. Raises QuestionInvalid naming the field."""
    name = text("name", details.name)
    if not name:
        raise QuestionInvalid("name: expected what the list is called, got nothing")
    if details.least_percent is not None and not 0 <= details.least_percent <= 100:
        raise QuestionInvalid(f"least_percent={details.least_percent}: expected 0 to 100")
    if not 0 <= details.least_likelihood <= 1:
        raise QuestionInvalid(f"least_likelihood={details.least_likelihood}: expected 0 to 1")
    if details.goes_to_cameras and details.subject is Subject.PERSONS:
        raise QuestionInvalid("goes_to_cameras: cameras know no persons, only plates")
    if details.goes_to_cameras and details.kind is not Kind.ALERT:
        raise QuestionInvalid(
            f"goes_to_cameras: cameras mark who is listed, so only lists of kind {Kind.ALERT} go "
            f"to them, this one is of kind {details.kind}"
        )
    return replace(
        details,
        name=name,
        note=text("note", details.note),
        device_ids=_devices(details.device_ids),
        schedule=_hours(details.schedule),
        cooldown_s=_cooldown(details.cooldown_s),
    )


def checked_entry(details: EntryDetails, subject: Subject) -> EntryDetails:
    """Likewise, of a list of that subject. Raises QuestionInvalid naming the field."""
    plate = text("plate", details.plate)
    if subject is Subject.PERSONS:
        if details.class_id is None or not is_id(details.class_id):
            raise QuestionInvalid(
                f"class_id={details.class_id}: expected the number of an enrolled person"
            )
        plate = ""
    elif details.class_id is not None:
        raise QuestionInvalid("class_id: this is a list of plates, write persons into another")
    elif (pattern := PlatePattern.parse(plate)) is None or pattern.is_anybody:
        raise QuestionInvalid(
            f"plate={plate!r}: expected a plate such as AB1234, with * for any characters and ? "
            "for one; whoever passes at all: a list of kind unknown without entries"
        )
    elif strange := [one for one in plate if unicodedata.category(one) in _ON_NO_PLATE]:
        raise QuestionInvalid(
            f"plate={plate!r}: {strange[0]!r} stands on no plate; expected letters and digits, "
            "with * for any characters and ? for one"
        )
    begin, end = (_moment(each) for each in (details.valid_from, details.valid_until))
    if begin is not None and end is not None and begin >= end:
        raise QuestionInvalid(f"valid_until={end.isoformat()}: expected a time after valid_from")
    return replace(
        details,
        plate=plate,
        reason=text("reason", details.reason),
        valid_from=begin,
        valid_until=end,
        device_ids=_devices(details.device_ids),
        schedule=_hours(details.schedule),
        cooldown_s=None if details.cooldown_s is None else _cooldown(details.cooldown_s),
    )


def list_rule(list_id: int, details: ListDetails) -> ListRule:
    """What a list that is kept says."""
    return ListRule(
        id=list_id,
        kind=Kind(details.kind),
        subject=details.subject,
        scope=Scope(
            device_ids=frozenset(details.device_ids), schedule=schedule.parse(details.schedule)
        ),
        cooldown_s=details.cooldown_s,
        least_percent=details.least_percent,
        least_likelihood=details.least_likelihood,
        is_enabled=details.is_enabled,
        goes_to_cameras=details.goes_to_cameras,
    )


def entry_rule(entry_id: int, list_id: int, details: EntryDetails) -> EntryRule:
    """What an entry that is kept says."""
    return EntryRule(
        id=entry_id,
        list_id=list_id,
        plate=details.plate,
        matching=details.matching,
        class_id=details.class_id,
        reason=details.reason,
        scope=Scope(
            device_ids=frozenset(details.device_ids),
            schedule=schedule.parse(details.schedule) if details.schedule else (),
            valid_from=details.valid_from,
            valid_until=details.valid_until,
        ),
        cooldown_s=details.cooldown_s,
    )


def text(field: str, value: str) -> str:
    """One line in NFC, of what eyes see. Raises QuestionInvalid."""
    cleaned = unicodedata.normalize("NFC", " ".join(value.split()))
    if len(cleaned) > LONGEST or not cleaned.isprintable():
        raise QuestionInvalid(
            f"{field}={cleaned[:40]!r}: expected at most {LONGEST} printable characters"
        )
    return cleaned


def _devices(names: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(filter(None, (text("device_ids", each) for each in names))))
    if len(found) > MOST_DEVICES:
        raise QuestionInvalid(f"device_ids: expected at most {MOST_DEVICES} cameras")
    return found


def _hours(said: str) -> str:
    """In the words in which it is kept, which are read again with each start: longer than those
    that were given, they may be too long."""
    kept = schedule.text_of(schedule.parse(said))
    schedule.parse(kept)
    return kept


def _cooldown(seconds: int) -> int:
    if not 0 <= seconds <= LONGEST_COOLDOWN_S:
        raise QuestionInvalid(
            f"cooldown_s={seconds}: expected seconds, 0 to {LONGEST_COOLDOWN_S} (30 days)"
        )
    return seconds


def _moment(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    if at.tzinfo is None or at.year not in YEARS:
        raise QuestionInvalid(
            f"{at.isoformat()}: expected a time with its offset, such as 2026-08-06T10:30:00+07:00"
        )
    return at.astimezone(UTC)
