"""A store of each kind on an empty database, and how a test looks into it or gets in its way."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import apsw

from server.storage.adoption import prepare_database
from server.storage.picture_stores.daily import DailyPictures
from server.storage.postgres.pool import Pool, acquired, opened_pool
from server.storage.postgres.store import PostgresStore
from server.storage.protocol import CentreStore
from server.storage.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, 23, 59, 59, 250_000, tzinfo=UTC)
KINDS = ("sqlite", "postgres")


class Inside(Protocol):
    """The database as another program sees it. Statements must mean the same in both."""

    async def query(self, sql: str) -> list[tuple[Any, ...]]: ...

    async def execute(self, sql: str) -> None: ...

    async def refuse_messages(self, text: str) -> None:
        """From now on no health check with that message can be stored."""
        ...

    async def allow_messages(self) -> None: ...

    def bytes_of(self, content: bytes) -> str:
        """Bytes as its SQL writes them."""
        ...


@dataclass(frozen=True, slots=True)
class InSqlite:
    path: Path

    async def query(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(apsw.Connection(str(self.path))) as connection:
            connection.set_busy_timeout(5000)
            return list(connection.execute(sql))

    async def execute(self, sql: str) -> None:
        await self.query(sql)

    async def refuse_messages(self, text: str) -> None:
        await self.execute(
            "CREATE TRIGGER poison BEFORE INSERT ON health_monitors "
            f"WHEN NEW.message = '{text}' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    async def allow_messages(self) -> None:
        await self.execute("DROP TRIGGER poison")

    def bytes_of(self, content: bytes) -> str:
        return f"X'{content.hex()}'"


@dataclass(frozen=True, slots=True)
class InPostgres:
    pool: Pool

    async def query(self, sql: str) -> list[tuple[Any, ...]]:
        async with acquired(self.pool) as connection:
            return [tuple(row) for row in await connection.fetch(sql)]

    async def execute(self, sql: str) -> None:
        async with acquired(self.pool) as connection:
            await connection.execute(sql)

    async def refuse_messages(self, text: str) -> None:
        await self.execute(
            f"ALTER TABLE health_monitors ADD CONSTRAINT poison CHECK (message <> '{text}')"
        )

    async def allow_messages(self) -> None:
        await self.execute("ALTER TABLE health_monitors DROP CONSTRAINT poison")

    def bytes_of(self, content: bytes) -> str:
        return f"'\\x{content.hex()}'::bytea"


@dataclass(frozen=True, slots=True)
class Place:
    """Where stores of one kind are opened, again and again, on the same database."""

    folder: Path
    url: str | None

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[CentreStore]:
        if self.url is None:
            path = self.folder / "server.db"
            if not path.exists():
                prepare_database(path, zone_of=lambda _: UTC, now=NOW)
            store = SqliteStore(path, self.pictures)
            try:
                yield store
            finally:
                await store.close()
            return
        pictures = DailyPictures(self.pictures)
        try:
            async with opened_pool(self.url, connections=4) as pool:
                yield PostgresStore(pool, pictures)
        finally:
            pictures.close()

    @asynccontextmanager
    async def inside(self) -> AsyncIterator[Inside]:
        if self.url is None:
            yield InSqlite(self.folder / "server.db")
            return
        async with opened_pool(self.url, connections=2) as pool:
            yield InPostgres(pool)
