"""The contract between alerts and any store: what is kept of rules, alerts and positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from server.watchlist.contract import (
    Alert,
    AlertChange,
    AlertFilter,
    AlertPage,
    Entry,
    EntryChange,
    EntryDetails,
    EntryPage,
    ListDetails,
    Put,
    RuleChanges,
    Source,
    Verdict,
    Watchlist,
)
from server.watchlist.rules import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """A sighting with a match: what an alert takes over of it. `row_id` is what positions count:
    that of the sighting, or of what was said of it later."""

    row_id: int
    source: Source
    sighting_id: int
    device_id: str
    plate: str
    captured_at: datetime
    received_at: datetime
    match: Match


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedFace:
    """A face of a camera. `class_id` is who was recognised, `probability` 0..1 None where the model
    has no calibration; `is_stranger`: it could be compared, and is nobody enrolled."""

    id: int
    device_id: str
    captured_at: datetime | None
    received_at: datetime
    confidence_percent: float | None
    class_id: int | None
    probability: float | None
    is_stranger: bool


class ComparedFaces(Protocol):
    """Faces of cameras, as far as the gallery has compared them. All raise StorageUnavailable."""

    async def compared(self) -> int:
        """The id of the last one that was compared."""
        ...

    async def newest(self) -> int:
        """The highest id, compared or not."""
        ...

    async def after(self, position: int, *, limit: int) -> Sequence[ComparedFace]:
        """Those that were compared, with a higher id, in order."""
        ...


class RuleStore(Protocol):
    """Lists and entries. Every change gets a number higher than all before it.

    All raise StorageUnavailable; those that name a list or entry raise NotThere.
    """

    async def lists(self) -> tuple[Watchlist, ...]:
        """By name."""
        ...

    async def list_of(self, list_id: int) -> Watchlist: ...

    async def make_list(self, details: ListDetails, *, by: str, now: datetime) -> Watchlist:
        """Raises QuestionInvalid where the name is taken."""
        ...

    async def change_list(
        self, list_id: int, details: ListDetails, *, by: str, now: datetime
    ) -> Watchlist:
        """Raises QuestionInvalid where the name is taken."""
        ...

    async def drop_list(self, list_id: int, *, by: str, now: datetime) -> None: ...

    async def entries(
        self, list_id: int, *, search: str, before: int | None, limit: int
    ) -> EntryPage: ...

    async def put_entries(
        self,
        list_id: int,
        entries: Sequence[EntryDetails],
        *,
        by: str,
        now: datetime,
        said: frozenset[str] | None = None,
    ) -> tuple[Put, tuple[EntryChange, ...]]:
        """All in one transaction; one that is there (same plate and matching, or person) is
        changed, in the fields `said`, None: in all. Details are checked already."""
        ...

    async def entry_like(self, list_id: int, details: EntryDetails) -> Entry | None:
        """That of the same plate and matching, or person, where it is listed."""
        ...

    async def drop_entry(self, list_id: int, entry_id: int, *, by: str, now: datetime) -> None: ...

    async def changes(self, since: int) -> RuleChanges:
        """All changes with a number above `since`; 0: everything that there is."""
        ...


class AlertStore(Protocol):
    """Alerts, and how far sightings were looked at. All raise StorageUnavailable."""

    async def position(self, name: str) -> int | None:
        """The id of the last row that `name` is through with; None: it never began."""
        ...

    async def move(self, name: str, position: int) -> None:
        """It is through with all rows up to this one."""
        ...

    async def raise_alerts(
        self, found: Sequence[Sighted], *, name: str, position: int, now: datetime
    ) -> tuple[Alert, ...]:
        """Raises an alert for each, moves the position of `name`, and orders what channels are to
        deliver, all in one transaction; returns the new alerts. Rows that `name` is through with
        are left out.

        Of a sighting that has its alert of that entry already, nothing happens. One within the
        cooldown (of the times of capture) of an alert of the same entry, key and camera is counted
        in that alert's `repeats` instead; of one that was a false alarm, only the same reading is.
        """
        ...

    async def verdicts(
        self, list_id: int, entry_id: int, key: str
    ) -> Sequence[tuple[str, Verdict]]:
        """What people said of the latest alerts of that entry on that key: plate and verdict."""
        ...

    async def page(self, chosen: AlertFilter, *, before: int | None, limit: int) -> AlertPage: ...

    async def one(self, alert_id: int) -> Alert:
        """Raises NotThere."""
        ...

    async def count_open(self, *, with_persons: bool) -> int: ...

    async def change(self, alert_id: int, change: AlertChange, *, by: str, now: datetime) -> Alert:
        """Raises NotThere."""
        ...
