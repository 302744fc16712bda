"""Gives waiting rows of this boot their true time, once the clock is set."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any, Final

import apsw

from agent.outbox.books import SQL_TABLES
from agent.outbox.eviction import EvictingStore
from agent.outbox.recording import timestamp_text
from agent.outbox.truetime import true_time
from wire.rows import Table

ROWS_A_TRANSACTION: Final = 500
_WITH_METADATA: Final = (Table.LPR_DETECTION, Table.FACE_DETECTION)


def correct_times(
    store: EvictingStore, *, boot_id: str, offset_s: float, zone: tzinfo | None
) -> int:
    """How many rows were set right. Those that were sent already stay as the server has them.

    `offset_s` is wall time less boot time by a clock that is right.
    """
    corrected = 0
    for table, name in SQL_TABLES.items():
        while True:
            with store.writing() as connection:
                count = _correct(connection, table, name, boot_id, offset_s, zone)
            corrected += count
            if count < ROWS_A_TRANSACTION:
                break
    return corrected


def _correct(
    connection: apsw.Connection,
    table: Table,
    name: str,
    boot_id: str,
    offset_s: float,
    zone: tzinfo | None,
) -> int:
    has_metadata = table in _WITH_METADATA
    cursor: Any = connection.execute(
        f"SELECT id, boot_time_s, {'frame_id' if has_metadata else 'NULL'} FROM {name} "  # noqa: S608 - our own names
        f"INDEXED BY {name}_waiting WHERE sent_to_server = 0 AND boot_id = ? "
        "AND clock_state = 'unsynchronised' AND boot_time_s IS NOT NULL ORDER BY id LIMIT ?",
        (boot_id, ROWS_A_TRANSACTION),
    )
    rows: list[tuple[int, float, str | None]] = list(cursor)
    times = [
        (timestamp_text(true_time(boot_time_s, offset_s), zone), row_id, frame_id)
        for row_id, boot_time_s, frame_id in rows
    ]
    connection.executemany(
        f"UPDATE {name} SET timestamp = ?, clock_state = 'corrected' WHERE id = ?",  # noqa: S608 - our own names
        [(text, row_id) for text, row_id, _ in times],
    )
    if has_metadata:
        connection.executemany(
            "UPDATE camera_metadata SET timestamp = ? WHERE frame_id = ?",
            [(text, frame_id) for text, _, frame_id in times],
        )
    return len(rows)
