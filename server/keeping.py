"""Opens the store that the settings name, and what goes with it, for one process of the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from server.bell import Topic
from server.config import ServerSettings
from server.errors import StartRefused, StorageUnavailable
from server.role import Role
from server.storage import tokens
from server.storage.access import PostgresAccess
from server.storage.adoption import prepare_database
from server.storage.ground import Ground, ground_on
from server.storage.lock import DatabaseLock
from server.storage.picture_stores.contract import PictureStore
from server.storage.picture_stores.opening import S3Access, open_pictures
from server.storage.postgres import holders, preparing, seats
from server.storage.postgres.leading import Leading
from server.storage.postgres.news import News
from server.storage.postgres.pool import Pool, opened_pool
from server.storage.postgres.store import PostgresStore
from server.storage.protocol import CentreStore
from server.storage.sqlite import SqliteStore
from server.supervision import beside

MONTHS_LOOKED_AT_EVERY_S: Final = 6 * 3600.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What several processes share: connections to PostgreSQL, those for what `pages` ask apart,
    and the store of pictures."""

    pool: Pool
    pages: Pool
    pictures: PictureStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`shared` None: everything is in the SQLite file and beside it. `ground` is for what goes on
    beside the rows."""

    store: CentreStore
    shared: Shared | None
    ground: Ground


async def has_live_token(settings: ServerSettings) -> bool:
    """Whether a camera has a token in force. Raises StartRefused."""
    if settings.uses_postgres:
        return await holders.has_live_token(settings.database_url.get_secret_value())
    return await asyncio.to_thread(tokens.has_live_token, settings.db_path)


def open_picture_store(settings: ServerSettings, address: str) -> PictureStore:
    """The store at that address, empty for the daily files. Blocks. Raises StartRefused."""
    return open_pictures(
        address,
        daily_folder=settings.pictures_path,
        access=S3Access(
            endpoint=settings.image_store_endpoint,
            region=settings.image_store_region,
            key_id=settings.image_store_key_id,
            secret=settings.image_store_secret.get_secret_value(),
        ),
    )


@contextlib.asynccontextmanager
async def kept(
    settings: ServerSettings, role: Role, now: Callable[[], datetime]
) -> AsyncIterator[Kept]:
    """A store on a database of this version. Raises StartRefused, having changed nothing."""
    if not settings.uses_postgres and role is not Role.ALL:
        raise StartRefused(
            f"--role {role} needs a database that several processes share: write "
            "SERVER_DATABASE_URL=postgresql://USER:PASSWORD@HOST/DATABASE, or start without --role"
        )
    if settings.image_store and not settings.uses_postgres:
        raise StartRefused(
            "SERVER_IMAGE_STORE goes with SERVER_DATABASE_URL: rows in SQLite have their pictures "
            "in files beside it"
        )
    async with contextlib.AsyncExitStack() as stack:
        if settings.uses_postgres:
            yield await _postgres(settings, stack, role, now)
        else:
            await _prepare_sqlite(settings, stack, now)
            store = SqliteStore(settings.db_path, settings.pictures_path)
            stack.push_async_callback(store.close)
            yield Kept(store=store, shared=None, ground=ground_on(settings.db_path))


async def _prepare_sqlite(
    settings: ServerSettings, stack: contextlib.AsyncExitStack, now: Callable[[], datetime]
) -> None:
    stack.enter_context(DatabaseLock(settings.db_path))
    prepared = await asyncio.to_thread(
        prepare_database, settings.db_path, zone_of=settings.zone_of, now=now()
    )
    if prepared.backup is not None:
        _log.info(
            "database brought to this version",
            database=str(settings.db_path),
            backup=str(prepared.backup),
            older_rows=prepared.adopted_rows,
        )


async def _postgres(
    settings: ServerSettings,
    stack: contextlib.AsyncExitStack,
    role: Role,
    now: Callable[[], datetime],
) -> Kept:
    url = settings.database_url.get_secret_value()
    steps = await preparing.prepare_database(url, now=now())
    if steps:
        _log.info("database brought to this version", database=settings.database_place, steps=steps)
    seat = await stack.enter_async_context(seats.taken(url))
    pool = await stack.enter_async_context(
        opened_pool(url, connections=settings.database_connections)
    )
    pages = await stack.enter_async_context(
        opened_pool(
            url,
            connections=settings.database_page_connections,
            name="pages",
            setting="SERVER_DATABASE_PAGE_CONNECTIONS",
            reads_only=True,
        )
    )
    pictures = await asyncio.to_thread(open_picture_store, settings, settings.image_store)
    stack.callback(pictures.close)
    store = PostgresStore(pool, pictures, is_seated=lambda: seat.is_held)
    news = News(url, listens=role.shows_pages)
    await stack.enter_async_context(
        beside({"months": partial(_keep_months, store, now), "news": news.run})
    )
    ground = Ground(
        access=PostgresAccess(pool, pages),
        committed=news.bell(Topic.ROWS),
        alerted=news.bell(Topic.ALERTS),
        led=Leading(url).led,
    )
    shared = Shared(pool=pool, pages=pages, pictures=pictures)
    return Kept(store=store, shared=shared, ground=ground)


async def _keep_months(store: PostgresStore, now: Callable[[], datetime]) -> None:
    """Until it is cancelled."""
    while True:
        await asyncio.sleep(MONTHS_LOOKED_AT_EVERY_S)
        try:
            await store.keep_months(now())
        except StorageUnavailable as error:
            _log.warning("partitions of the next months not made", reason=str(error))
