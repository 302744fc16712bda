"""A real PostgreSQL for the tests of a process, and an empty database of it for each test."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg

from benchmarks.local_postgres import LocalPostgres
from server.storage.postgres.preparing import prepare_database

TEMPLATE = "sightpost_template"
_CLEAN = """
SET session_replication_role = replica;
UPDATE face_follower SET sighting_id = 0;
DO $$ DECLARE found RECORD; BEGIN
    FOR found IN SELECT c.relname, c.relkind FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
        AND c.relkind IN ('r', 'p', 'S')
        AND c.relname NOT IN (
            'sightpost_schema', 'watchlist_state', 'face_gallery', 'face_follower')
    LOOP
        IF found.relkind = 'S' THEN
            EXECUTE format('ALTER SEQUENCE %I RESTART', found.relname);
        ELSE
            EXECUTE format('DELETE FROM %I', found.relname);
        END IF;
    END LOOP;
END $$
"""
"""Without triggers: what they keep goes too, in whatever order."""


@dataclass(slots=True)
class Databases:
    """Copies of a migrated database, each for one test."""

    server: LocalPostgres
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _shared: str = ""

    def empty(self) -> str:
        """The address of a new database without anything in it."""
        return self._made("")

    def migrated(self) -> str:
        """The address of a new database at this program's version."""
        return self._made(f"TEMPLATE {TEMPLATE}")

    def cleaned(self) -> str:
        """The address of one that tests share one after the other: all rows of the last are gone.

        For tests that write rows alone: it is quicker than a new one.
        """
        if not self._shared:
            self._shared = self.migrated()
        asyncio.run(self._execute(_CLEAN, self._shared))
        return self._shared

    def make_template(self) -> None:
        asyncio.run(self._make_template())

    async def _make_template(self) -> None:
        await self._execute(f"CREATE DATABASE {TEMPLATE}")
        await prepare_database(self.server.url(TEMPLATE), now=datetime.now(UTC))

    def _made(self, how: str) -> str:
        name = f"test_{next(self._numbers)}"
        asyncio.run(self._execute(f"CREATE DATABASE {name} {how}"))
        return self.server.url(name)

    async def _execute(self, sql: str, url: str = "") -> None:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(url or self.server.url())
        try:
            await connection.execute(sql)
        finally:
            await connection.close()
