"""Months as partitions: which there should be, what they are called, and how one is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import UUID

import asyncpg

PARTITIONED: Final = (
    "lpr_detections",
    "health_monitors",
    "face_detections",
    "evictions",
    "message_ledger",
)
MONTHS_AHEAD: Final = 3
MONTHS_BACK: Final = 1
"""Cameras that were cut off for longer have their rows in the partition of the others."""
_NAME: Final = re.compile(r"[a-z_]+_y(\d{4})m(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> Self:
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month)

    @classmethod
    def named(cls, partition: str) -> Self | None:
        """Whose partition it is; None: no month's."""
        found = _NAME.fullmatch(partition)
        return cls(int(found[1]), int(found[2])) if found else None

    def plus(self, months: int) -> Month:
        number = self.year * 12 + self.month - 1 + months
        return Month(number // 12, number % 12 + 1)

    @property
    def begin(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    def partition_of(self, table: str) -> str:
        return f"{table}_y{self.year:04}m{self.month:02}"


def months_around(now: datetime) -> tuple[Month, ...]:
    """Those for which there should be partitions now."""
    present = Month.of(now)
    return tuple(present.plus(months) for months in range(-MONTHS_BACK, MONTHS_AHEAD + 1))


def first_id(month: Month) -> UUID:
    """The lowest id that a UUIDv7 of that month can have (RFC 9562, section 5.7)."""
    return UUID(int=int(month.begin.timestamp() * 1000) << 80)


async def partitions_of(connection: asyncpg.Connection[Any], table: str) -> dict[Month, str]:
    """The partitions of months that there are, by month; not the one of the others."""
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = to_regclass($1) ORDER BY c.relname",
        table,
    )
    found = {Month.named(row["relname"]): str(row["relname"]) for row in rows}
    return {month: name for month, name in found.items() if month is not None}


def others_of(table: str) -> str:
    """The partition of ids that are of no month for which there is one."""
    return f"{table}_other"


async def make_partition(connection: asyncpg.Connection[Any], table: str, month: Month) -> None:
    """Within the caller's transaction. Rows of that month among the others move over.

    Filled first and attached then: making it in place would lock out all who read the table.
    """
    name = month.partition_of(table)
    begin, end = (f"'{first_id(each)}'" for each in (month, month.plus(1)))
    columns = await _stored_columns(connection, table)
    await connection.execute(
        f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING GENERATED "
        "INCLUDING STORAGE)"
    )
    await connection.execute(
        f"WITH moved AS (DELETE FROM {others_of(table)} "  # noqa: S608 (our own names)
        f"WHERE message_id >= {begin} AND message_id < {end} RETURNING {columns}) "
        f"INSERT INTO {name} ({columns}) SELECT {columns} FROM moved"
    )
    await connection.execute(
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"
    )


async def _stored_columns(connection: asyncpg.Connection[Any], table: str) -> str:
    """All but the computed ones, which nobody may write."""
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 "
        "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        table,
    )
    return ", ".join(row["attname"] for row in rows)
