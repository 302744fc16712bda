"""The forms of lists and entries: their fields, and what was written there."""

from __future__ import annotations

import math
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from server.errors import QuestionInvalid
from server.storage.reading.sightings import Matching
from server.watchlist.contract import COOLDOWN_S, LEAST_LIKELIHOOD, EntryDetails, ListDetails
from server.watchlist.rules import Kind, Subject
from server.web.api.moments import moment
from server.web.pages.tags import choice, field, tag

LABELS: Final = {
    "name": "Name",
    "note": "Note",
    "plate": "Plate",
    "class_id": "Number of the person",
    "reason": "Reason",
    "valid_from": "From",
    "valid_until": "Until",
    "device_ids": "Cameras",
    "schedule": "Hours",
    "cooldown_s": "Seconds without a second alert",
    "least_percent": "Least confidence of a reading",
    "least_likelihood": "Least likelihood of a match",
    "goes_to_cameras": "Cameras hold it too",
}
"""What people read above the fields, which messages call by their own names."""
_KINDS: Final = [
    (Kind.ALERT.value, "alert: whoever is listed"),
    (Kind.UNKNOWN.value, "unknown: whoever is not listed"),
    (Kind.MUTE.value, "mute: whoever is listed raises nothing"),
]
_SUBJECTS: Final = [(each.value, each.value) for each in Subject]
_YES_NO: Final = [("yes", "yes"), ("", "no")]
_HOURS: Final = "mon-fri 08:00-18:00; sat 09:00-12:00"


def list_fields(held: ListDetails, *, is_new: bool) -> None:
    field("Name", "name", value=held.name, maxlength=200, required=True, autocomplete="off")
    choice("Raises an alert", "kind", _KINDS, held.kind.value)
    if is_new:
        choice("Holds", "subject", _SUBJECTS, held.subject.value)
    field("Note (may be empty)", "note", value=held.note, maxlength=200, autocomplete="off")
    cameras = ", ".join(held.device_ids)
    field("Cameras, with commas; empty: all", "cameras", value=cameras, autocomplete="off")
    field(
        *("Hours; empty: always", "schedule"),
        value=held.schedule,
        placeholder=_HOURS,
        autocomplete="off",
    )
    with tag("details"):
        tag("summary", "quiet", "More")
        with tag("div", "fields"):
            field("Seconds without a second alert", "cooldown_s", value=str(held.cooldown_s))
            percent = "" if held.least_percent is None else f"{held.least_percent:g}"
            field("Least confidence of a reading, %", "least_percent", value=percent)
            field(
                *("Least likelihood of a match, 0 to 1", "least_likelihood"),
                value=f"{held.least_likelihood:g}",
            )
            choice("Is in force", "is_enabled", _YES_NO, "yes" if held.is_enabled else "")
            choice(
                *("Cameras hold it too", "goes_to_cameras", _YES_NO),
                "yes" if held.goes_to_cameras else "",
            )


def list_details(given: dict[str, str], held: ListDetails | None) -> ListDetails:
    """Raises QuestionInvalid."""
    percent = given.get("least_percent", "").strip()
    subject = Subject(given.get("subject", Subject.PLATES.value))
    return ListDetails(
        name=given.get("name", ""),
        kind=Kind(given.get("kind", Kind.ALERT.value)),
        subject=subject if held is None else held.subject,
        note=given.get("note", ""),
        device_ids=_names(given.get("cameras", "")),
        schedule=given.get("schedule", ""),
        cooldown_s=int(number_of("cooldown_s", given.get("cooldown_s") or str(COOLDOWN_S))),
        least_percent=number_of("least_percent", percent) if percent else None,
        least_likelihood=number_of(
            "least_likelihood", given.get("least_likelihood") or str(LEAST_LIKELIHOOD)
        ),
        is_enabled=given.get("is_enabled", "yes") == "yes",
        goes_to_cameras=given.get("goes_to_cameras") == "yes",
    )


def listed_fields(subject: Subject) -> None:
    """Who is listed."""
    if subject is Subject.PERSONS:
        field("Number of the person", "class_id", inputmode="numeric", required=True)
        return
    field(
        *("Plate", "plate"),
        placeholder="such as 1กก 1234, AB12* or ?B1234",
        maxlength=64,
        required=True,
        autocomplete="off",
    )
    matches = [(Matching.LIKELY.value, "look-alikes"), (Matching.EXACT.value, "exactly")]
    choice("Match", "matching", matches)


def reason_fields(held: EntryDetails, zone: tzinfo) -> None:
    field("Reason", "reason", value=held.reason, maxlength=200, autocomplete="off")
    _day("Until", "until", held.valid_until, zone, ends=True)


def further_fields(held: EntryDetails, zone: tzinfo) -> None:
    _day("From", "since", held.valid_from, zone)
    cameras = ", ".join(held.device_ids)
    field("Cameras, with commas; empty: the list's", "cameras", value=cameras, autocomplete="off")
    field(
        *("Hours; empty: the list's", "schedule"),
        value=held.schedule,
        placeholder="mon-fri 08:00-18:00",
        autocomplete="off",
    )
    cooldown = "" if held.cooldown_s is None else str(held.cooldown_s)
    field("Seconds without a second alert; empty: the list's", "cooldown_s", value=cooldown)


def _day(label: str, name: str, at: datetime | None, zone: tzinfo, *, ends: bool = False) -> None:
    """A day where it is a whole one, else a time."""
    if at is None or at.astimezone(zone).time() == time():
        there = None if at is None else at.astimezone(zone) - timedelta(days=int(ends))
        value = "" if there is None else f"{there:%Y-%m-%d}"
        field(label, name, value=value, type="date")
    else:
        field(label, name, value=f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%S}", autocomplete="off")


def entry_details(given: dict[str, str], zone: tzinfo) -> EntryDetails:
    """Raises QuestionInvalid."""
    number, cooldown = given.get("class_id", "").strip(), given.get("cooldown_s", "").strip()
    since, until = given.get("since") or None, given.get("until") or None
    return EntryDetails(
        plate=given.get("plate", ""),
        matching=Matching(given.get("matching", Matching.LIKELY.value)),
        class_id=int(number_of("class_id", number)) if number else None,
        reason=given.get("reason", ""),
        valid_from=moment("valid_from", since, zone),
        valid_until=moment("valid_until", until, zone, ends=True),
        schedule=given.get("schedule", ""),
        device_ids=_names(given.get("cameras", "")),
        cooldown_s=int(number_of("cooldown_s", cooldown)) if cooldown else None,
    )


def said_fields(details: EntryDetails) -> frozenset[str]:
    """Those in which something stands: what was left empty is not meant to empty what is there."""
    names = ("reason", "valid_from", "valid_until", "schedule", "device_ids", "cooldown_s")
    said = {name for name in names if getattr(details, name) not in (None, "", ())}
    return frozenset({"plate", "matching", "class_id", *said})


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def number_of(name: str, text: str) -> float:
    """Of a form's field. Raises QuestionInvalid."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise QuestionInvalid(f"{name}={text[:40]}: expected a number")
    return number
