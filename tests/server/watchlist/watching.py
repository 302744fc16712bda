"""Watchlists on a real database with a store that takes rows, joined as the server joins them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from server.bell import Bell
from server.storage.access import Access, PostgresAccess, SqliteAccess
from server.storage.alerts import StoredAlerts
from server.storage.corrected_feed import StoredCorrectedFeed
from server.storage.postgres.writing import Subject as Changed
from server.storage.watched_faces import StoredComparedFaces
from server.storage.watchlists import StoredWatchlists
from server.watchlist.checking import checked_entry
from server.watchlist.contract import Alert, AlertFilter, EntryDetails, ListDetails
from server.watchlist.corrected_rows import CorrectedRows
from server.watchlist.engine import AlertEngine, EngineParts, Rows
from server.watchlist.face_rows import FaceRows
from server.watchlist.plate_rows import PlateRows
from server.watchlist.rules import Subject
from tests.server.storage.history import NOON, Centre, Site, either_in

BY = "somchai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`engine` looks when it is told to."""

    centre: Site
    rules: StoredWatchlists
    store: StoredAlerts
    engine: AlertEngine
    raised: Bell

    async def list_of(self, *plates: str, **given: Any) -> int:
        """A new list with these entries; its id."""
        details = ListDetails(**{"name": f"list of {len(await self.rules.lists())}", **given})
        made = await self.rules.make_list(details, by=BY, now=NOON)
        await self.put(made.id, *(EntryDetails(plate=plate) for plate in plates))
        return made.id

    async def put(self, list_id: int, *entries: EntryDetails) -> None:
        checked = [checked_entry(each, Subject.PLATES) for each in entries]
        await self.rules.put_entries(list_id, checked, by=BY, now=NOON)

    async def alerts(self) -> tuple[Alert, ...]:
        """After all rows were looked at; the oldest first."""
        while not await self.engine.look():
            pass
        page = await self.store.page(AlertFilter(), before=None, limit=100)
        return page.alerts[::-1]

    async def alerted(self) -> list[tuple[str, int]]:
        """Plates that raised an alert, with how often they came again soon."""
        return [(each.plate, each.repeats) for each in await self.alerts()]


def access_to(centre: Site) -> Access:
    if isinstance(centre, Centre):
        return SqliteAccess(centre.database)
    return PostgresAccess(centre.rows, centre.rows)


@contextlib.asynccontextmanager
async def watching_in(folder: Path, url: str | None = None) -> AsyncIterator[Watch]:
    """In SQLite where there is no `url`."""
    async with either_in(folder, url) as centre:
        with contextlib.ExitStack() as opened:
            access = access_to(centre)
            readers = access.readers(opened, threads=1)
            rules = StoredWatchlists(readers, access.writing(opened, Changed.WATCHLISTS))
            store = StoredAlerts(readers, access.writing(opened, Changed.ALERTS))
            await rules.sweep(NOON)
            rows: list[Rows] = [
                PlateRows(access.feed(readers)),
                CorrectedRows(StoredCorrectedFeed(readers)),
                FaceRows(StoredComparedFaces(readers)),
            ]
            raised = Bell()
            engine = AlertEngine(
                EngineParts(
                    rules=rules,
                    alerts=store,
                    rows=rows,
                    zone=UTC,
                    now=lambda: NOON,
                    wake=Bell(),
                    raised=raised,
                )
            )
            yield Watch(centre=centre, rules=rules, store=store, engine=engine, raised=raised)
