"""Raises alerts: goes through rows in the order in which they were committed, by a position that is
kept, so that what passed while the server was down is looked at after it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final, Protocol

import structlog

from server.bell import Bell
from server.errors import GroupRefused, StorageUnavailable, TookTooLong
from server.watchlist.contract import Alert, Source
from server.watchlist.experience import likelihood_after
from server.watchlist.following import RuleFollower
from server.watchlist.keeping import AlertStore, RuleStore, Sighted
from server.watchlist.passage import one_of_each_list
from server.watchlist.rules import Match, Seen

PIECE_ROWS: Final = 500
IDLE_S: Final = 5.0
"""So long nobody looks where no bell rings: another program may have changed the lists."""
RETRY_S: Final = 1.0
POSITION_EVERY_S: Final = 5.0
"""A position without alerts is written so seldom; what is looked at again says the same."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRow:
    """A committed row, as the rules look at it, and when it arrived; who put its reading right."""

    row_id: int
    seen: Seen
    received_at: datetime
    corrected_by: str = ""


class Rows(Protocol):
    """Rows of one table in the order of their ids. All raise StorageUnavailable.

    `source` is the table of the sightings that they are of, `name` that of their position. Where
    nobody looked before, it is begun with the first, or `begins_at_newest`.
    """

    source: Source
    name: str
    begins_at_newest: bool

    @property
    def look_again_s(self) -> float:
        """After which to look where no bell rang."""
        ...

    async def newest(self) -> int:
        """The highest id."""
        ...

    async def after(self, position: int, *, limit: int) -> Sequence[SeenRow]:
        """Those with a higher id, in order; rows that no rule can speak of may be left out, but
        for the last."""
        ...

    async def closer(self, row: SeenRow) -> Seen:
        """The same, with all that the camera said of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParts:
    """`committed` rings with new rows, `changed` with new rules; `raised` is rung with alerts."""

    rules: RuleStore
    alerts: AlertStore
    rows: Sequence[Rows]
    zone: tzinfo
    now: Callable[[], datetime]
    wake: Bell
    raised: Bell


class AlertEngine:
    """One for a database. `raised` and `doubted` count since the start: alerts, and matches that
    were too unlikely after what people said of others like them."""

    def __init__(self, parts: EngineParts, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self.follower = RuleFollower(parts.rules)
        self._book = self.follower.book
        self._positions: dict[str, int] = {}
        self._written_at_s: dict[str, float] = {}
        self.raised = 0
        self.doubted = 0
        self.trouble: str | None = None

    async def run(self) -> None:
        """Until it is cancelled. Another process may have gone on since it last ran."""
        self._positions.clear()
        while True:
            rings = self._parts.wake.rings
            try:
                is_through = await self.look()
                self._note_trouble(None)
            except (GroupRefused, StorageUnavailable, TookTooLong) as error:
                self._note_trouble(str(error))
                await asyncio.sleep(RETRY_S)
                continue
            if is_through:
                soon_s = min(rows.look_again_s for rows in self._parts.rows)
                await self._parts.wake.heard(rings, within_s=soon_s)

    async def look(self) -> bool:
        """At the next rows of each table; whether there were no more. Raises StorageUnavailable.

        Rules are read after the rows: those that were there before a row was count for it.
        """
        through = [await self._look_at(rows) for rows in self._parts.rows]
        return all(through)

    async def _look_at(self, rows: Rows) -> bool:
        name = rows.name
        if name not in self._positions:
            self._positions[name] = await self._beginning(rows)
        position = self._positions[name]
        if not self.follower.has_rules:
            newest = await rows.newest()
            await self.follower.follow()
            if not self.follower.has_rules:
                await self._move(name, max(position, newest))
                return True
        piece = await rows.after(position, limit=PIECE_ROWS)
        async with self.follower.followed():
            found = await self._sighted(rows, piece) if piece else []
        if not piece:
            return True
        last = piece[-1].row_id
        if found:
            await self._raise(name, found, last)
        await self._move(name, last, is_written=bool(found))
        return len(piece) < PIECE_ROWS

    async def _beginning(self, rows: Rows) -> int:
        held = await self._parts.alerts.position(rows.name)
        if held is None and rows.begins_at_newest:
            held = await rows.newest()
            await self._parts.alerts.move(rows.name, held)
        return held or 0

    async def _sighted(self, rows: Rows, piece: Sequence[SeenRow]) -> list[Sighted]:
        found = []
        for row, sure in await asyncio.to_thread(self._evaluate, piece):
            matches = sure
            if matches is None:
                matches = self._book.evaluate(await rows.closer(row), self._parts.zone)
            weighed = one_of_each_list(await self._weighed(row, matches))
            found += [_sighted(rows.source, row, each) for each in weighed]
        return found

    def _evaluate(self, piece: Sequence[SeenRow]) -> list[tuple[SeenRow, tuple[Match, ...] | None]]:
        """Rows that raise alerts, with why; None: that takes a closer look."""
        book, zone = self._book, self._parts.zone
        found = [
            (row, None if book.is_in_doubt(row.seen) else book.evaluate(row.seen, zone))
            for row in piece
        ]
        return [(row, matches) for row, matches in found if matches is None or matches]

    async def _weighed(self, row: SeenRow, matches: Sequence[Match]) -> list[Match]:
        """Those that are likely enough after what people said of alerts like them."""
        left = []
        for match in matches:
            said = await self._parts.alerts.verdicts(match.list_id, match.entry_id, match.key)
            likelihood = likelihood_after(match.likelihood, row.seen.plate, said)
            if likelihood < self._book.least_likelihood(match.list_id):
                self.doubted += 1
                _log.info(
                    "a match raises no alert: it was often a false alarm",
                    watchlist=match.list_id,
                    sighting=row.seen.sighting_id,
                    likelihood=round(likelihood, 4),
                )
                continue
            left.append(replace(match, likelihood=likelihood))
        return left

    async def _raise(self, name: str, found: Sequence[Sighted], position: int) -> None:
        try:
            alerts = await self._parts.alerts.raise_alerts(
                found, name=name, position=position, now=self._parts.now()
            )
        except StorageUnavailable:
            self._parts.raised.ring()  # they may be there: the answer can be lost after the commit
            raise
        self.raised += len(alerts)
        if alerts:
            self._parts.raised.ring()
        for alert in alerts:
            _log.info("alert", **_said(alert))

    async def _move(self, name: str, position: int, *, is_written: bool = False) -> None:
        is_moved = position > self._positions[name]
        self._positions[name] = position
        now_s = self._clock()
        is_due = now_s - self._written_at_s.get(name, 0.0) >= POSITION_EVERY_S
        if is_moved and is_due and not is_written:
            await self._parts.alerts.move(name, position)
        if is_written or (is_moved and is_due):
            self._written_at_s[name] = now_s

    def _note_trouble(self, trouble: str | None) -> None:
        if trouble is not None and self.trouble is None:
            _log.error("watchlists cannot be looked at; alerts come later", reason=trouble)
        if trouble is None and self.trouble is not None:
            _log.info("watchlists are looked at again")
        self.trouble = trouble


def _sighted(source: Source, row: SeenRow, match: Match) -> Sighted:
    """Of a reading that was put right, the reason says by whom."""
    if row.corrected_by:
        said = f"reading put right by {row.corrected_by}"
        match = replace(match, reason=f"{match.reason}; {said}" if match.reason else said)
    return Sighted(
        row_id=row.row_id,
        source=source,
        sighting_id=row.seen.sighting_id,
        device_id=row.seen.device_id,
        plate=row.seen.plate,
        captured_at=row.seen.at,
        received_at=row.received_at,
        match=match,
    )


def _said(alert: Alert) -> dict[str, object]:
    """For the log: numbers, not what was read."""
    return {
        "alert": alert.id,
        "watchlist": alert.list_id,
        "sighting": alert.sighting_id,
        "late_s": round((alert.raised_at - alert.received_at).total_seconds(), 3),
    }
