"""Builds watchlists, alerts and channels from their parts, runs them, takes them down in order."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from server.accounts.contract import Auditor
from server.bell import Bell
from server.channels.contract import ChannelKind
from server.channels.desk import ChannelDesk
from server.channels.posting import Poster
from server.channels.postman import Postman, PostmanParts
from server.channels.telling import Mail, MailServer, Ntfy, Teller, Webhook
from server.channels.wording import House
from server.config import ServerSettings
from server.storage.alerts import SqliteAlerts
from server.storage.channels import SqliteChannels
from server.storage.feed import StoredFeed
from server.storage.reader_pool import ReaderPool
from server.storage.reading.sightings import Pictures
from server.storage.watched_faces import SqliteComparedFaces
from server.storage.watchlists import SqliteWatchlists
from server.supervision import beside
from server.watchlist.desk import AlertDesk, WatchlistDesk
from server.watchlist.engine import AlertEngine, EngineParts, Rows
from server.watchlist.face_rows import FaceRows
from server.watchlist.plate_rows import PlateRows


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSide:
    """`alerted` rings when there is a new alert, and when people said something of one."""

    watchlists: WatchlistDesk
    alerts: AlertDesk
    channels: ChannelDesk
    engine: AlertEngine
    postman: Postman
    alerted: Bell


@contextlib.asynccontextmanager
async def watch_side(
    settings: ServerSettings,
    *,
    auditor: Auditor,
    pictures: Pictures,
    wake: Bell,
    now: Callable[[], datetime],
) -> AsyncIterator[WatchSide]:
    """On a migrated database. `wake` rings with each commit of rows, and here with new rules."""
    with contextlib.ExitStack() as opened:
        side = await _built(settings, opened, auditor, pictures, wake, now)
        try:
            async with beside({"alerts": side.engine.run, "deliveries": side.postman.run}):
                yield side
        finally:
            await side.watchlists.close()


async def _built(
    settings: ServerSettings,
    opened: contextlib.ExitStack,
    auditor: Auditor,
    pictures: Pictures,
    wake: Bell,
    now: Callable[[], datetime],
) -> WatchSide:
    """What `opened` closes in reverse order."""
    pool, rules, alerts = _stores(settings, opened)
    await rules.sweep()
    channels = SqliteChannels(settings.db_path, pool)
    opened.callback(channels.close)
    alerted = Bell()
    tellers = tellers_of(settings)
    postman = Postman(
        PostmanParts(store=channels, tellers=tellers, pictures=pictures, now=now, wake=alerted)
    )
    opened.callback(postman.close)
    return WatchSide(
        watchlists=WatchlistDesk(rules, auditor, wake, now=now, zone=settings.time_zone),
        alerts=AlertDesk(alerts, auditor, alerted, now=now),
        channels=ChannelDesk(channels, tellers, postman, auditor, alerted, now=now),
        engine=_engine(settings, opened, wake, alerted, now),
        postman=postman,
        alerted=alerted,
    )


def _engine(
    settings: ServerSettings,
    opened: contextlib.ExitStack,
    wake: Bell,
    alerted: Bell,
    now: Callable[[], datetime],
) -> AlertEngine:
    """On connections of its own, so that no alert waits for a page's question."""
    pool, rules, alerts = _stores(settings, opened)
    rows: list[Rows] = [PlateRows(StoredFeed(pool))]
    if settings.faces:
        rows.append(FaceRows(SqliteComparedFaces(pool)))
    return AlertEngine(
        EngineParts(
            rules=rules,
            alerts=alerts,
            rows=rows,
            zone=settings.time_zone,
            now=now,
            wake=wake,
            raised=alerted,
        )
    )


def tellers_of(settings: ServerSettings) -> dict[ChannelKind, Teller]:
    """By the kind of channel."""
    house = House(public_url=settings.public_url, zone=settings.time_zone)
    poster = Poster(settings.webhook_networks)
    mail_server = MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        sender=settings.smtp_from,
        encryption=settings.smtp_encryption,
    )
    return {
        ChannelKind.WEBHOOK: Webhook(poster, house),
        ChannelKind.EMAIL: Mail(mail_server, house),
        ChannelKind.NTFY: Ntfy(poster, house),
    }


def _stores(
    settings: ServerSettings, opened: contextlib.ExitStack
) -> tuple[ReaderPool, SqliteWatchlists, SqliteAlerts]:
    pool = ReaderPool(settings.db_path, threads=1)
    opened.callback(pool.close)
    rules, alerts = SqliteWatchlists(settings.db_path, pool), SqliteAlerts(settings.db_path, pool)
    opened.callback(rules.close)
    opened.callback(alerts.close)
    return pool, rules, alerts
