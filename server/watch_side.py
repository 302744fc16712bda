"""Builds watchlists, alerts and channels from their parts, runs them, takes them down in order."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from server.accounts.contract import Auditor
from server.bell import Bell
from server.channels.contract import ChannelKind
from server.channels.desk import ChannelDesk
from server.channels.posting import Poster
from server.channels.postman import Postman, PostmanParts
from server.channels.telling import Mail, MailServer, Ntfy, Teller, Webhook
from server.channels.wording import House
from server.config import ServerSettings
from server.storage.access import Access, SqliteAccess
from server.storage.alerts import StoredAlerts
from server.storage.asking import Readers
from server.storage.channels import StoredChannels
from server.storage.corrected_feed import StoredCorrectedFeed
from server.storage.ground import Ground
from server.storage.postgres.leading import Duty
from server.storage.postgres.writing import Subject
from server.storage.reading.sightings import Pictures
from server.storage.watched_faces import StoredComparedFaces
from server.storage.watchlists import StoredWatchlists
from server.supervision import beside
from server.watchlist.camera_lists import CameraLists
from server.watchlist.corrected_rows import CorrectedRows
from server.watchlist.desk import AlertDesk, WatchlistDesk
from server.watchlist.engine import AlertEngine, EngineParts, Rows
from server.watchlist.face_rows import FaceRows
from server.watchlist.following import RuleFollower
from server.watchlist.plate_rows import PlateRows

CHANGES_KEPT: Final = timedelta(days=30)
"""What was deleted stays so long where other processes follow: none that runs is so far behind."""
_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)


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
    ground: Ground,
    *,
    auditor: Auditor,
    pictures: Pictures,
    now: Callable[[], datetime],
) -> AsyncIterator[WatchSide]:
    """On a migrated database. New rules ring as new rows do. Of several processes one raises
    alerts and tells of them; all follow the rules, for the cameras that are connected to them."""
    with contextlib.ExitStack() as opened:
        side = await _built(settings, ground, opened, auditor, pictures, now)
        raising = {"alerts": side.engine.run, "deliveries": side.postman.run}
        works = dict(ground.led(Duty.ALERTS, raising))
        if not isinstance(ground.access, SqliteAccess):
            works["rules"] = side.engine.follower.run
        try:
            async with beside(works):
                yield side
        finally:
            await side.watchlists.close()


@contextlib.asynccontextmanager
async def following_side(ground: Ground) -> AsyncIterator[CameraLists]:
    """Of a process that shows no pages: what its cameras are to hold."""
    with contextlib.ExitStack() as opened:
        readers = ground.access.readers(opened, threads=1)
        writing = ground.access.writing(opened, Subject.WATCHLISTS)
        follower = RuleFollower(StoredWatchlists(readers, writing))
        async with beside({"rules": follower.run}):
            yield follower.camera_lists


async def _built(
    settings: ServerSettings,
    ground: Ground,
    opened: contextlib.ExitStack,
    auditor: Auditor,
    pictures: Pictures,
    now: Callable[[], datetime],
) -> WatchSide:
    """What `opened` closes in reverse order."""
    access, alerted = ground.access, ground.alerted
    readers, rules, alerts = _stores(access, opened, access.page_readers(opened, threads=1))
    await rules.sweep(_FOR_EVER if isinstance(access, SqliteAccess) else now() - CHANGES_KEPT)
    channels = StoredChannels(readers, access.writing(opened, Subject.CHANNELS))
    tellers = tellers_of(settings)
    postman = Postman(
        PostmanParts(store=channels, tellers=tellers, pictures=pictures, now=now, wake=alerted)
    )
    opened.callback(postman.close)
    return WatchSide(
        watchlists=WatchlistDesk(
            rules, auditor, ground.committed, now=now, zone=settings.time_zone
        ),
        alerts=AlertDesk(alerts, auditor, alerted, now=now),
        channels=ChannelDesk(channels, tellers, postman, auditor, alerted, now=now),
        engine=_engine(settings, ground, opened, now),
        postman=postman,
        alerted=alerted,
    )


def _engine(
    settings: ServerSettings,
    ground: Ground,
    opened: contextlib.ExitStack,
    now: Callable[[], datetime],
) -> AlertEngine:
    """On connections of its own, so that no alert waits for a page's question."""
    readers, rules, alerts = _stores(
        ground.access, opened, ground.access.readers(opened, threads=1)
    )
    rows: list[Rows] = [
        PlateRows(ground.access.feed(readers)),
        CorrectedRows(StoredCorrectedFeed(readers)),
    ]
    if settings.faces:
        rows.append(FaceRows(StoredComparedFaces(readers)))
    return AlertEngine(
        EngineParts(
            rules=rules,
            alerts=alerts,
            rows=rows,
            zone=settings.time_zone,
            now=now,
            wake=ground.committed,
            raised=ground.alerted,
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
    access: Access, opened: contextlib.ExitStack, readers: Readers
) -> tuple[Readers, StoredWatchlists, StoredAlerts]:
    rules = StoredWatchlists(readers, access.writing(opened, Subject.WATCHLISTS))
    return readers, rules, StoredAlerts(readers, access.writing(opened, Subject.ALERTS))
