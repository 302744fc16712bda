"""Builds watchlists and alerts from their parts, runs them, and takes them down in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from server.accounts.contract import Auditor
from server.bell import Bell
from server.config import ServerSettings
from server.storage.alerts import SqliteAlerts
from server.storage.feed import SqliteFeed
from server.storage.reader_pool import ReaderPool
from server.storage.watchlists import SqliteWatchlists
from server.watchlist.desk import AlertDesk, WatchlistDesk
from server.watchlist.engine import AlertEngine, EngineParts
from server.watchlist.plate_rows import PlateRows


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSide:
    """`alerted` rings when there is a new alert, and when people said something of one."""

    watchlists: WatchlistDesk
    alerts: AlertDesk
    engine: AlertEngine
    alerted: Bell


@contextlib.asynccontextmanager
async def watch_side(
    settings: ServerSettings,
    *,
    auditor: Auditor,
    wake: Bell,
    now: Callable[[], datetime],
) -> AsyncIterator[WatchSide]:
    """On a migrated database. `wake` rings with each commit of rows, and here with new rules."""
    with contextlib.ExitStack() as opened:
        rules, alerts, _ = _stores(settings, opened)
        await rules.sweep()
        # a connection of its own, so that no alert waits for a page's question
        watched, raised, pool = _stores(settings, opened)
        alerted = Bell()
        side = WatchSide(
            watchlists=WatchlistDesk(rules, auditor, wake, now=now, zone=settings.time_zone),
            alerts=AlertDesk(alerts, auditor, alerted, now=now),
            engine=AlertEngine(
                EngineParts(
                    rules=watched,
                    alerts=raised,
                    rows=(PlateRows(SqliteFeed(pool)),),
                    zone=settings.time_zone,
                    now=now,
                    wake=wake,
                    raised=alerted,
                )
            ),
            alerted=alerted,
        )
        looking = asyncio.create_task(side.engine.run())
        try:
            yield side
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await side.watchlists.close()


def _stores(
    settings: ServerSettings, opened: contextlib.ExitStack
) -> tuple[SqliteWatchlists, SqliteAlerts, ReaderPool]:
    pool = ReaderPool(settings.db_path, threads=1)
    opened.callback(pool.close)
    rules, alerts = SqliteWatchlists(settings.db_path, pool), SqliteAlerts(settings.db_path, pool)
    opened.callback(rules.close)
    opened.callback(alerts.close)
    return rules, alerts, pool
