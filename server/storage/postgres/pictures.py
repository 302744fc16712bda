"""Which pictures the rows name."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final

from server.storage.postgres.connection import Connection

_NAMED: Final = " UNION ".join(
    f"SELECT image_sha256 FROM {table} "  # noqa: S608 (our own names)
    "WHERE received_at >= $1 AND received_at < $2 AND image_sha256 = ANY($3)"
    for table in ("lpr_detections", "face_detections")
)


async def pictures_with_row(
    connection: Connection, day: date, sha256s: Collection[str]
) -> frozenset[str]:
    """Those of these that a row received on that day (UTC) names."""
    until = day + timedelta(days=1)
    rows = await connection.fetch(_NAMED, day.isoformat(), until.isoformat(), list(sha256s))
    return frozenset(sha256 for (sha256,) in rows)
