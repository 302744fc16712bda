"""Cameras as the board and a camera's own page show them: state, health, books."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol


class CameraState(StrEnum):
    """By when the centre last heard of a camera: see `StateRule`."""

    ONLINE = "online"
    LATE = "late"
    SILENT = "silent"


SILENT_AFTER: Final = timedelta(minutes=15)
"""Three times as long as a healthy camera keeps to itself; the alerts speak then too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRule:
    """A camera is online with a line open or heard of within `late_after`, silent when not heard
    of for `silent_after`, and late in between.

    A healthy camera reports its health every five minutes unless it was set otherwise.
    """

    late_after: timedelta = timedelta(minutes=11)
    silent_after: timedelta = SILENT_AFTER

    def state(self, *, last_seen: datetime, is_connected: bool, now: datetime) -> CameraState:
        """Of a camera that was last heard of at `last_seen`."""
        if is_connected or now - last_seen < self.late_after:
            return CameraState.ONLINE
        return CameraState.LATE if now - last_seen < self.silent_after else CameraState.SILENT


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """What a camera last said of itself, at `at` by its clock; None: it did not say.

    Rows are of its present database: captured = acknowledged + waiting + refused + evicted.
    `clock_offset_s` is the server's time less the camera's. `throttled` names what slows the board
    down now, in plain words. `refused_sequences` are ranges of numbers, both ends included.
    """

    at: datetime
    version: str | None
    temperature_c: float | None
    throttled: tuple[str, ...]
    clock_offset_s: float | None
    captured: int | None
    acknowledged: int | None
    waiting: int | None
    refused: int | None
    evicted: int | None
    last_sequence: int | None
    oldest_waiting_at: datetime | None
    refused_sequences: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentHealth:
    """The latest check of one component; `status` is PASS, WARN or FAIL, or what it wrote."""

    component: str
    status: str
    message: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraCard:
    """A camera on the board.

    `device_id` is its name everywhere; an old camera's begins with `classic:`. `waiting` are the
    rows that it last said to hold back, `oldest_waiting_at` when the oldest of them was captured.
    `clock_offset_s` is the server's time less the camera's. `faults` are the components that do
    not pass, the worst first.
    """

    device_id: str
    hostname: str
    checkpoint_id: str
    state: CameraState
    is_connected: bool
    first_seen: datetime
    last_seen: datetime
    version: str | None
    waiting: int | None
    oldest_waiting_at: datetime | None
    clock_offset_s: float | None
    clock_state: str | None
    temperature_c: float | None
    throttled: tuple[str, ...]
    faults: tuple[ComponentHealth, ...]
    latest_sighting_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraDetail:
    """One camera: its card, the latest of each component, its last report, and the settings that
    it reported (the camera's own names; empty where it did not)."""

    card: CameraCard
    health: tuple[ComponentHealth, ...]
    report: CameraReport | None
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthStretch:
    """A time during which a component was in one state, with the first message of it.

    `until` is when the next state began, None for the present one.
    """

    component: str
    status: str
    message: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPoint:
    """A measure within one step of time, beginning `at`."""

    at: datetime
    average: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSeries:
    """One measure over time. `limits` are the natural ends of its axis where it has some."""

    key: str
    title: str
    component: str
    unit: str
    limits: tuple[float, float] | None
    points: tuple[HealthPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthHistory:
    """A camera's health between two times: states by component in order, and its measures."""

    since: datetime
    until: datetime
    stretches: tuple[HealthStretch, ...]
    series: tuple[HealthSeries, ...]


class GapCause(StrEnum):
    """Why numbers of the sequence are not here.

    EVICTED: the camera said that it gave them up. REFUSED: it said that this server refused them.
    WAITING: it said that it still holds so many rows. UNEXPLAINED: none of these.
    """

    EVICTED = "evicted"
    REFUSED = "refused"
    WAITING = "waiting"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers `first` to `last` of an epoch that are not here, and why.

    They were given between `after` and `before`, when their neighbours were captured.
    """

    epoch: str
    first: int
    last: int
    cause: GapCause
    after: datetime | None
    before: datetime | None
    explanation: str

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBooks:
    """A day (UTC, of capture): captured = acknowledged + waiting + refused + evicted +
    unexplained. `acknowledged` are stored here; the others are missing numbers, by their cause."""

    day: date
    captured: int
    acknowledged: int
    waiting: int
    refused: int
    evicted: int
    unexplained: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochBooks:
    """All that was ever taken from one store of the camera, pruned rows included.

    Numbers up to `begins_after` were given in an epoch before; None: the camera does not say, and
    they are taken for this one's. `captured` of its rows are numbered, up to `last_sequence`;
    `rows_stored` came under this epoch, `rows_before` of them with a number from before it, and
    `rows_later` of its rows came under a later one. `missing` = `captured` - (`rows_stored` -
    `rows_before`) - `rows_later`: still on the camera, refused or given up there.
    """

    epoch: str
    last_sequence: int
    begins_after: int | None
    rows_stored: int
    rows_before: int
    rows_later: int
    captured: int
    missing: int
    first_received_at: datetime
    last_received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictionNote:
    """What the camera gave up, in its words: `kind` is row (gone) or picture (its row is here)."""

    at: datetime | None
    kind: str
    reason: str
    table: str
    count: int
    size_bytes: int
    first_sequence: int | None
    last_sequence: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraBooks:
    """*Nothing missing*: what the camera says it captured, and what is here, day by day.

    `days` are the newest first, without those on which nothing was captured. `gaps` are those of
    these days, at most a hundred, the newest first; `more_gaps` tells how many were left out.
    `kept_since`: what arrived here before that day was given up as old, so that days before are
    not told; None: nothing was.
    """

    device_id: str
    report: CameraReport | None
    epochs: tuple[EpochBooks, ...]
    days: tuple[DayBooks, ...]
    gaps: tuple[Gap, ...]
    more_gaps: int
    evictions: tuple[EvictionNote, ...]
    kept_since: date | None = None


class Cameras(Protocol):
    """Every camera that was ever heard of. Those with `NotThere` raise it for an unknown name."""

    async def board(self, *, now: datetime, connected: Collection[str]) -> tuple[CameraCard, ...]:
        """All cameras, by name; `connected` are the device ids with a line open now."""
        ...

    async def names(self, *, most: int) -> tuple[str, ...]:
        """Device ids, the first `most` by name."""
        ...

    async def known(self, names: Collection[str]) -> frozenset[str]:
        """Those of them that there are."""
        ...

    async def camera(
        self, device_id: str, *, now: datetime, connected: Collection[str]
    ) -> CameraDetail:
        """One of them. Raises NotThere."""
        ...

    async def health(
        self, device_id: str, *, since: datetime, until: datetime, points: int = 240
    ) -> HealthHistory:
        """At most 31 days, each measure in at most `points` (10 to 1000) steps of equal length.

        Raises NotThere, QuestionInvalid.
        """
        ...

    async def books(self, device_id: str, *, until: date, days: int = 7) -> CameraBooks:
        """Of the `days` (1 to 31) up to and with `until`. Raises NotThere, QuestionInvalid."""
        ...
