"""Watchlists as plain data: what a list and an entry say, what was seen, and what comes of both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from server.storage.plate_pattern import Alternatives
from server.storage.reading.sightings import Matching
from server.watchlist import schedule
from server.watchlist.schedule import Schedule


class Kind(StrEnum):
    """ALERT: whoever is listed raises an alert. UNKNOWN: whoever is not. MUTE: whoever is listed
    raises none, whatever other lists say."""

    ALERT = "alert"
    UNKNOWN = "unknown"
    MUTE = "mute"


class Subject(StrEnum):
    """What a list holds, and a sighting is of."""

    PLATES = "plates"
    PERSONS = "persons"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where and when: at these cameras (none: at all), in these hours of the week, within these
    two moments (`valid_until` is not included)."""

    device_ids: frozenset[str] = frozenset()
    schedule: Schedule = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def covers(self, device_id: str, at: datetime, zone: tzinfo) -> bool:
        """`zone` is that of the schedule."""
        return (
            (not self.device_ids or device_id in self.device_ids)
            and (self.valid_from is None or at >= self.valid_from)
            and (self.valid_until is None or at < self.valid_until)
            and schedule.holds(self.schedule, at.astimezone(zone))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRule:
    """A list. `least_percent`: readings that are less certain do not count; `least_likelihood`:
    matches that are less likely do not (0..1). `goes_to_cameras`: see `ListDetails`."""

    id: int
    kind: Kind
    subject: Subject
    scope: Scope = Scope()
    cooldown_s: float = 0.0
    least_percent: float | None = None
    least_likelihood: float = 0.0
    is_enabled: bool = True
    goes_to_cameras: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRule:
    """A plate, with `*` for any characters and `?` for one, or the person `class_id`.

    `cooldown_s` None: that of its list.
    """

    id: int
    list_id: int
    plate: str = ""
    matching: Matching = Matching.LIKELY
    class_id: int | None = None
    reason: str = ""
    scope: Scope = Scope()
    cooldown_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """A person whom a face may be, with the probability 0..1."""

    class_id: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sighting as the rules look at it; `at` is when it was captured.

    Of a plate: its text, and of each character what else it may be, where the camera said so. Of
    a face: whom it may be. `is_comparable`: it could be told whether it is listed.
    """

    subject: Subject
    sighting_id: int
    device_id: str
    at: datetime
    confidence_percent: float | None = None
    plate: str = ""
    alternatives: Alternatives = ()
    persons: tuple[Likeness, ...] = ()
    is_comparable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a rule says of a sighting: there is to be an alert, unless one like it was just raised.

    `entry_id` 0: it is in an UNKNOWN list that does not have it. `key` names what was seen, to tell
    whether it was just seen: a plate's folded text, a person, or a face that nobody knows. `listed`
    is the plate of the entry, `named` how many characters of it are no wildcards.
    """

    list_id: int
    entry_id: int
    key: str
    likelihood: float
    reason: str
    cooldown_s: float
    class_id: int | None = None
    listed: str = ""
    named: int = 0
