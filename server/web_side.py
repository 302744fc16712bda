"""Builds accounts and the web application from their parts, and takes them down in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from fastapi import FastAPI

from guarding.origin import is_loopback
from server.account_side import accounts_on
from server.accounts.contract import Accounts, Auditor
from server.accounts.hashing import Hashing
from server.accounts.lifetimes import Lifetimes
from server.accounts.office import Office
from server.accounts.reception import Reception
from server.accounts.store import AccountStore
from server.condition import Condition
from server.config import ServerSettings
from server.egress_side import Surroundings, egress_side
from server.errors import StorageUnavailable
from server.faces.history_contract import FaceGallery
from server.faces.meter import FaceMeter
from server.figures import ServerFigures
from server.keeping import Kept
from server.library import background_of, library_of
from server.live_figures import LiveFigures
from server.storage.ground import Ground
from server.storage.reading.library import Library
from server.watch_side import WatchSide, following_side, watch_side
from server.watchlist.camera_lists import CameraLists
from server.web.application import create_application
from server.web.pages.centre import Centre
from server.web.pages.statics import add_statics
from server.web.parts import WebParts
from server.web.realtime import Feed
from server.web.security.rules import Door
from server.web.watching import create_watching
from telemetry.error_book import ErrorBook
from telemetry.version import VERSION

ALERTS: Final = "alerts"
"""The name of what raises them, among the parts of the server."""
USES_WRITTEN_EVERY_S: Final = 30.0
"""So much earlier than it was, at most, the last use of a session or token may stand on disk."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSide:
    """`accounts` None: it shows no pages. `feed` is to be run meanwhile. `setup_path` is the path
    of the link by which the first admin is made; None: there is one."""

    application: FastAPI
    accounts: AccountStore | None
    feed: Feed | None
    setup_path: str | None
    camera_lists: CameraLists


@contextlib.asynccontextmanager
async def web_side(
    settings: ServerSettings,
    condition: Condition,
    figures: ServerFigures | None,
    connected: Callable[[], frozenset[str]],
    held: Kept,
    now: Callable[[], datetime],
    errors: ErrorBook,
) -> AsyncIterator[WebSide]:
    """`connected` names the cameras with a line to this process open now."""
    ground = held.ground
    lifetimes = Lifetimes(
        idle=timedelta(minutes=settings.session_idle_minutes),
        whole=timedelta(hours=settings.session_hours),
    )
    accounts = accounts_on(ground.access, lifetimes, now)
    hashing = Hashing()
    beside = contextlib.AsyncExitStack()
    try:
        library = await beside.enter_async_context(library_of(settings, held.shared))
        background = background_of(
            held.shared, library, beside.enter_context(contextlib.ExitStack())
        )
        feed = None if figures is None else Feed(LiveFigures(figures).message)
        reception = Reception(accounts, hashing)
        office = Office(accounts, hashing, reception)
        setup_path = await setup_path_of(accounts)
        face_meter = None if figures is None else figures.faces
        faces = await beside.enter_async_context(
            _faces(settings, held, library, accounts, now, face_meter)
        )
        watching = await beside.enter_async_context(
            watch_side(settings, ground, auditor=accounts, pictures=background.pictures, now=now)
        )
        if figures is not None:
            figures.alerts.look_at(watching.engine, watching.postman)
        told = await beside.enter_async_context(
            egress_side(
                settings,
                Surroundings(
                    ground=ground,
                    pictures=background.pictures,
                    cameras=background.cameras,
                    connected=connected,
                    now=now,
                ),
            )
        )
        condition.troubles.look_at({ALERTS: watching.engine, **told})
        centre = _centre(
            *(settings, library, watching, accounts, office, faces, connected, feed, now, errors),
            condition,
        )
        application = create_application(
            WebParts(
                report=condition.report,
                figures=figures,
                feed=feed,
                signing_in=reception,
                centre=centre,
                register=accounts,
                door=_door(settings),
                trusted_proxies=settings.trusted_proxies,
            )
        )
        add_statics(application)
        async with _pages(application, centre, are_wanted=settings.pages):
            yield WebSide(
                application=application,
                accounts=accounts,
                feed=feed,
                setup_path=setup_path,
                camera_lists=watching.engine.follower.camera_lists,
            )
    finally:
        hashing.close()
        await beside.aclose()
        with contextlib.suppress(StorageUnavailable):  # half a minute of uses, and said elsewhere
            await accounts.flush_uses()
        await accounts.close()


@contextlib.asynccontextmanager
async def watching_side(
    settings: ServerSettings,
    condition: Condition,
    figures: ServerFigures | None,
    ground: Ground,
    errors: ErrorBook,
) -> AsyncIterator[WebSide]:
    """Of a process that only takes rows."""
    application = create_watching(
        condition.report,
        condition.details,
        figures,
        door=_door(settings),
        trusted_proxies=settings.trusted_proxies,
        errors=errors,
    )
    async with following_side(ground) as camera_lists:
        yield WebSide(
            application=application,
            accounts=None,
            feed=None,
            setup_path=None,
            camera_lists=camera_lists,
        )


def _door(settings: ServerSettings) -> Door:
    is_trusted = is_loopback(settings.web_host) and not settings.local_tokens
    return Door(trusts_this_machine=is_trusted)


async def setup_path_of(accounts: AccountStore) -> str | None:
    """Of a new link, where there is no admin. A full disk keeps no server from starting."""
    try:
        if await accounts.has_admin():
            return None
        key = await accounts.change(lambda book: book.new_setup_key())
    except StorageUnavailable as error:
        _log.warning("no set-up link could be made; start again for one", reason=str(error))
        return None
    return None if key is None else f"/setup?key={key}"


def _centre(
    settings: ServerSettings,
    library: Library,
    watching: WatchSide,
    auditor: Auditor,
    accounts: Accounts,
    faces: FaceGallery | None,
    connected: Callable[[], frozenset[str]],
    feed: Feed | None,
    now: Callable[[], datetime],
    errors: ErrorBook,
    condition: Condition,
) -> Centre:
    return Centre(
        library=library,
        watchlists=watching.watchlists,
        alerts=watching.alerts,
        channels=watching.channels,
        alerted=watching.alerted,
        errors=errors,
        accounts=accounts,
        auditor=auditor,
        faces=faces,
        connected=connected,
        live=lambda: None if feed is None else feed.latest,
        now=now,
        zone=settings.time_zone,
        version=VERSION,
        troubles=condition.troubles,
        details=condition.details,
    )


@contextlib.asynccontextmanager
async def _pages(application: FastAPI, centre: Centre, *, are_wanted: bool) -> AsyncIterator[None]:
    """A server without them does not take the memory that they need: it imports none of it."""
    if not are_wanted:
        yield
        return
    from server.web.pages.hosting import pages_on

    async with pages_on(application, centre):
        yield


@contextlib.asynccontextmanager
async def _faces(
    settings: ServerSettings,
    held: Kept,
    library: Library,
    auditor: Auditor,
    now: Callable[[], datetime],
    meter: FaceMeter | None,
) -> AsyncIterator[FaceGallery | None]:
    """A server without them imports neither networks nor what looks into pictures."""
    if not settings.faces:
        yield None
        return
    from server.face_side import face_side

    async with face_side(
        settings,
        held.ground,
        auditor=auditor,
        sightings=library.face_sightings,
        now=now,
        meter=meter,
    ) as faces:
        yield faces


async def write_uses(accounts: AccountStore) -> None:
    """Until it is cancelled."""
    while True:
        await asyncio.sleep(USES_WRITTEN_EVERY_S)
        try:
            await accounts.flush_uses()
        except StorageUnavailable as error:
            _log.warning("uses of sessions and tokens not written", reason=str(error))
