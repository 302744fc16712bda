"""The face gallery as commands have it: of the database that the settings name, also while servers
run on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import apsw

from server.accounts.book import COMMAND_LINE, AccountBook
from server.accounts.contract import Action
from server.cli_database import now_utc, settings_of, writable_database
from server.config import ServerSettings
from server.errors import FacesUnavailable
from server.face_side import gallery_of, models_of, networks_of, shared_gallery_of
from server.faces.gallery import Gallery
from server.faces.keeping import ModelKey
from server.faces.looking import Models
from server.loop_beside import opened_beside
from server.storage.asking import Writer
from server.storage.connection import transaction
from server.storage.postgres import seats
from server.storage.postgres.gallery import PostgresGalleryDatabase
from server.storage.postgres.pool import Pool, acquired, opened_pool
from server.storage.postgres.preparing import prepare_database as prepare_postgres
from server.storage.postgres.writing import Subject, changed
from server.storage.sqlite_statements import SqliteWriter

CONNECTIONS: Final = 2

Note = Callable[[Action, str, str], None]
"""Writes into the audit log: on the disk before anything is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The gallery of a database, and what looks into pictures where that was asked for."""

    settings: ServerSettings
    gallery: Gallery
    models: Models
    note: Note

    def model(self) -> ModelKey:
        """Raises FacesUnavailable."""
        if self.models.key is None:
            raise FacesUnavailable(self.models.problem or "there is no embedding model")
        return self.models.key


@contextlib.contextmanager
def opened_desk(db: Path | None) -> Iterator[Desk]:
    """Of a database that is there. A running server sees every change at its next search."""
    settings = settings_of(db)
    networks = networks_of(settings)
    try:
        models = models_of(settings, networks)
        place = _in_postgres if settings.uses_postgres else _in_sqlite
        with place(settings, models) as (gallery, note):
            try:
                yield Desk(settings=settings, gallery=gallery, models=models, note=note)
            finally:
                gallery.close()
    finally:
        networks.close()


@contextlib.contextmanager
def _in_sqlite(settings: ServerSettings, models: Models) -> Iterator[tuple[Gallery, Note]]:
    with writable_database(settings, must_exist=True) as connection:
        yield gallery_of(settings, models), partial(_note_in_sqlite, connection)


@contextlib.contextmanager
def _in_postgres(settings: ServerSettings, models: Models) -> Iterator[tuple[Gallery, Note]]:
    url = settings.database_url.get_secret_value()
    with opened_beside(partial(_seated_pool, url)) as (pool, loop):
        database = PostgresGalleryDatabase(pool, loop)
        gallery = shared_gallery_of(settings, database, models)
        yield gallery, partial(_note_in_postgres, pool, loop)


@contextlib.asynccontextmanager
async def _seated_pool(url: str) -> AsyncIterator[Pool]:
    """As a server has it: nobody moves rows in meanwhile. Raises StartRefused."""
    await prepare_postgres(url, now=now_utc())
    async with seats.taken(url), opened_pool(url, connections=CONNECTIONS) as pool:
        yield pool


def _note_in_sqlite(connection: apsw.Connection, action: Action, subject: str, detail: str) -> None:
    with transaction(connection):
        _note(SqliteWriter(connection), action, subject, detail)


def _note_in_postgres(
    pool: Pool, loop: asyncio.AbstractEventLoop, action: Action, subject: str, detail: str
) -> None:
    async def write() -> None:
        async with acquired(pool) as connection:
            await changed(
                connection,
                Subject.ACCOUNTS,
                lambda writer: _note(writer, action, subject, detail),
            )

    asyncio.run_coroutine_threadsafe(write(), loop).result()


def _note(writer: Writer, action: Action, subject: str, detail: str) -> None:
    AccountBook(writer, now_utc).note(COMMAND_LINE, action, subject, detail)
