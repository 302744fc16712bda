"""What pages and REST meet of watchlists and alerts: values, and the promises of each method."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from server.accounts.contract import Caller
from server.storage.reading.sightings import Matching
from server.watchlist.rules import Kind, Subject

MOST_ON_A_PAGE: Final = 200
COOLDOWN_S: Final = 300
"""Of a list that says nothing else."""
LEAST_LIKELIHOOD: Final = 0.01
"""Likewise: one character that the reader says is another keeps a match, two do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDetails:
    """What is written down of a list. No `device_ids`: all cameras; an empty `schedule`: always.

    `cooldown_s`: for so long an entry raises no second alert at the same camera. `least_percent`:
    of the reading's confidence; `least_likelihood`, 0..1: of the match. `goes_to_cameras`: cameras
    that it speaks of hold its plates too, and mark their own sightings (ALERT and PLATES only).
    """

    name: str
    kind: Kind = Kind.ALERT
    subject: Subject = Subject.PLATES
    note: str = ""
    device_ids: tuple[str, ...] = ()
    schedule: str = ""
    cooldown_s: int = COOLDOWN_S
    least_percent: float | None = None
    least_likelihood: float = LEAST_LIKELIHOOD
    is_enabled: bool = True
    goes_to_cameras: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchlist:
    """A list, with how many entries it has, and who changed it last."""

    id: int
    details: ListDetails
    entries: int
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDetails:
    """A plate (with `*` and `?`) or the person `class_id`, and why they are listed.

    `valid_until` is not included. `cooldown_s` None: that of the list.
    """

    plate: str = ""
    matching: Matching = Matching.LIKELY
    class_id: int | None = None
    reason: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    schedule: str = ""
    device_ids: tuple[str, ...] = ()
    cooldown_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a list."""

    id: int
    list_id: int
    details: EntryDetails
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """Entries, the newest first; `next_before` asks for those that follow, None: there are none."""

    entries: tuple[Entry, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Entries that are new, those of the same plate or person that were changed instead, and those
    that were there as they are."""

    added: int
    changed: int
    same: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry, and what stood there of the same plate or person; None: it is new."""

    entry: Entry
    before: EntryDetails | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """What became of an entry that was there."""

    before: EntryDetails
    after: EntryDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFault:
    """A line of a file that was not taken, counted from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """How far an import has come. `done_bytes` of `all_bytes` are read; `wrong` lines were not
    taken, the first of them are `faults`; the first entries that were changed are told in
    `changes`. `fault`: why it ended before its time."""

    id: int
    list_id: int
    all_bytes: int
    done_bytes: int
    lines: int
    put: Put
    wrong: int
    faults: tuple[LineFault, ...]
    changes: tuple[str, ...] = ()
    is_running: bool
    fault: str | None = None


class Verdict(StrEnum):
    """What a person says of an alert."""

    NONE = "none"
    REAL = "real"
    FALSE_ALARM = "false alarm"


class Source(StrEnum):
    """The table of a sighting."""

    PLATES = "lpr_detections"
    FACES = "face_detections"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A sighting that a list speaks of. `entry_id` None: it is in no entry of an UNKNOWN list.

    `plate` is what was read, `listed` what the entry says (a plate's pattern, or a person).
    `repeats` counts the sightings since that raised no alert of their own, so soon after it.
    """

    id: int
    list_id: int
    list_name: str
    kind: Kind
    entry_id: int | None
    listed: str
    reason: str
    source: Source
    sighting_id: int
    device_id: str
    plate: str
    class_id: int | None
    likelihood: float
    captured_at: datetime
    received_at: datetime
    raised_at: datetime
    repeats: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    verdict: Verdict
    note: str

    @property
    def is_open(self) -> bool:
        return self.acknowledged_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts; what is None or empty does not count. `since` is included, `until` is not;
    both are times at which alerts were raised. Without `with_persons` those of persons are left
    out."""

    since: datetime | None = None
    until: datetime | None = None
    list_id: int | None = None
    device_id: str = ""
    plate: str = ""
    is_open: bool | None = None
    verdict: Verdict | None = None
    with_persons: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPage:
    """Alerts, the newest first; `next_before` asks for those that follow, None: there are none."""

    alerts: tuple[Alert, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """What a person says: what is None stays as it is.

    A verdict acknowledges the alert, and so does a change that says nothing; a note alone does not.
    `is_open`: True opens it again, and takes the verdict back; False acknowledges it.
    """

    verdict: Verdict | None = None
    note: str | None = None
    is_open: bool | None = None

    @property
    def acknowledges(self) -> bool:
        if self.is_open is not None:
            return not self.is_open
        return self.verdict is not None or self.note is None


class Watchlists(Protocol):
    """What people do with lists. Each change is audited before it is made.

    All raise StorageUnavailable, QuestionInvalid naming what is wrong, and NotThere.
    """

    async def lists(self) -> tuple[Watchlist, ...]:
        """All of them, by name."""
        ...

    async def list_of(self, list_id: int) -> Watchlist: ...

    async def make_list(self, caller: Caller, details: ListDetails) -> Watchlist: ...

    async def change_list(self, caller: Caller, list_id: int, details: ListDetails) -> Watchlist:
        """All of its details; what it is about (plates or persons) stays."""
        ...

    async def drop_list(self, caller: Caller, list_id: int) -> None:
        """With its entries; the alerts that it raised stay."""
        ...

    async def entries(
        self, list_id: int, *, search: str = "", before: int | None = None, limit: int = 50
    ) -> EntryPage:
        """Those whose plate or reason contains `search`."""
        ...

    async def entry_like(self, list_id: int, details: EntryDetails) -> Entry | None:
        """That of the same plate (and matching) or person, where it is listed."""
        ...

    async def put_entry(
        self,
        caller: Caller,
        list_id: int,
        details: EntryDetails,
        *,
        said: frozenset[str] | None = None,
    ) -> Placed:
        """A new entry, or a change of the one with the same plate (and matching) or person: of that
        everything but the fields `said` stays as it is. None: all are said."""
        ...

    async def drop_entry(self, caller: Caller, list_id: int, entry_id: int) -> None: ...

    async def import_csv(
        self, caller: Caller, list_id: int, content: AsyncIterable[bytes], *, all_bytes: int
    ) -> ImportState:
        """Begins to take entries from a CSV file with a line of headings, in pieces; returns once
        the file is here. A line that is wrong is told, and the others are taken; of an entry that
        is there, what the file has no column for stays. One at a time.
        """
        ...

    def import_state(self) -> ImportState | None:
        """Of the last import since the start."""
        ...


class Alerts(Protocol):
    """What was raised, and what people say of it. All raise StorageUnavailable and NotThere."""

    async def page(
        self, chosen: AlertFilter, *, before: int | None = None, limit: int = 50
    ) -> AlertPage: ...

    async def one(self, alert_id: int) -> Alert: ...

    async def count_open(self, *, with_persons: bool) -> int:
        """Alerts that nobody acknowledged."""
        ...

    async def change(self, caller: Caller, alert_id: int, change: AlertChange) -> Alert:
        """Notes what is said of the alert. Audited. Raises QuestionInvalid where it is to be open
        with a verdict."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChanges:
    """What changed of the rules up to `revision`: lists and entries as they are now, and the ids
    of those that are gone."""

    revision: int
    lists: Sequence[Watchlist]
    entries: Sequence[Entry]
    lists_gone: Sequence[int]
    entries_gone: Sequence[int]
