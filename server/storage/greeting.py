"""What is written when a camera greets, and what is held of it: statements for either database.

`$1`, `$2` and so on stand for values in both, in SQLite by where each is first met: they are met in
order.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any, Final, TypeAlias

from server.storage.times import text_of
from wire.v1 import Hello

Steps: TypeAlias = Generator[tuple[str, tuple[Any, ...]], Any, None]
"""Statements with their values, one after the other; each is told the first row of its answer, or
None. Within the caller's transaction."""

_GREET: Final = """
INSERT INTO cameras (device_id, hostname, checkpoint_id, agent_version, first_seen, last_seen,
                     epoch, clock_offset_s, clock_state, waiting_rows)
VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9)
ON CONFLICT (device_id) DO UPDATE SET
    hostname = excluded.hostname, checkpoint_id = excluded.checkpoint_id,
    agent_version = excluded.agent_version, last_seen = excluded.last_seen,
    epoch = excluded.epoch, clock_offset_s = excluded.clock_offset_s,
    clock_state = excluded.clock_state, waiting_rows = excluded.waiting_rows
"""
BEGINNING: Final = (
    "SELECT begins_after FROM camera_epochs "
    "WHERE camera = (SELECT id FROM cameras WHERE device_id = $1) AND epoch = $2"
)
_STORED_BEFORE: Final = "SELECT " + " + ".join(  # noqa: S608 (our own names)
    f"(SELECT count(*) FROM {table} WHERE device_id = $1 AND epoch = $2 AND sequence <= $3)"  # noqa: S608 (our own names)
    for table in ("lpr_detections", "health_monitors", "face_detections", "evictions")
)
_BEGIN: Final = """
INSERT INTO camera_epochs (camera, epoch, last_sequence, rows_stored, first_received_at,
                           last_received_at, begins_after)
VALUES ((SELECT id FROM cameras WHERE device_id = $1), $2, 0, 0, $3, $3, $4)
ON CONFLICT (camera, epoch) DO UPDATE SET
    begins_after = excluded.begins_after, rows_before = $5
    WHERE camera_epochs.begins_after IS NULL
"""
HELD: Final = (
    "SELECT last_sequence, rows_stored FROM camera_epochs "
    "WHERE camera = (SELECT id FROM cameras WHERE device_id = $1) AND epoch = $2"
)


def greeted(hello: Hello, now: datetime) -> Steps:
    """Notes what the camera said of itself."""
    at = text_of(now)
    said = (hello.device_id, hello.hostname, hello.checkpoint_id, hello.agent_version)
    clock = (round((hello.time - now).total_seconds(), 3), hello.clock_state)
    yield _GREET, (*said, at, hello.epoch, *clock, hello.waiting_rows)
    if hello.epoch_after is not None:
        yield from _begun((hello.device_id, hello.epoch), hello.epoch_after, at)


def _begun(epoch: tuple[str, str], begins_after: int, at: str) -> Steps:
    """Once for each epoch: what came of it before, under an older version, is looked through."""
    known = yield BEGINNING, epoch
    if known is not None and known[0] is not None:
        return
    rows_before = 0
    if known is not None and begins_after:
        (rows_before,) = yield _STORED_BEFORE, (*epoch, begins_after)
    yield _BEGIN, (*epoch, at, begins_after, rows_before)
