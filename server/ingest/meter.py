"""Figures of the rows that were stored, for whoever watches the server. Never decides anything.

Told of whole groups, so that a row costs it well under a microsecond (`benchmarks.metrics`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from server.storage.protocol import Stored
from telemetry.distribution import POWERS_OF_TWO, SECONDS, SHARES, Distribution
from telemetry.face_level import level_of
from wire.accepted import AcceptedRow
from wire.rows import EvictionRow, FaceRow, LprRow, Table


class IngestMeter:
    """Lives on the event loop; counts since the server was started."""

    def __init__(self) -> None:
        self.rows: Counter[Table] = Counter()
        self.faces: Counter[str] = Counter()
        self.evicted: Counter[str] = Counter()
        self.group_rows = Distribution(POWERS_OF_TWO)
        self.commit_s = Distribution(SECONDS)
        self.latency_s = Distribution(SECONDS)
        self.confidence = Distribution(SHARES)

    def waited(self, seconds: float, *, rows: int) -> None:
        """So many rows that were read together were on disk so many seconds later."""
        self.latency_s.add(seconds, rows)

    def committed(
        self, rows: Sequence[AcceptedRow], outcomes: Sequence[object], *, seconds: float
    ) -> None:
        """A group was dealt with; of its rows those count that are new on disk."""
        fresh = [
            row
            for row, outcome in zip(rows, outcomes, strict=True)
            if isinstance(outcome, Stored) and not outcome.is_duplicate
        ]
        if not fresh:
            return
        self.group_rows.add(len(rows))
        self.commit_s.add(seconds)
        tables = Counter([row.table for row in fresh])
        self.rows.update(tables)
        if Table.LPR_DETECTION in tables:
            self.confidence.add_all(
                [
                    row.confidence_percent / 100
                    for row in fresh
                    if row.confidence_percent is not None and isinstance(row.row, LprRow)
                ]
            )
        if Table.FACE_DETECTION in tables:
            self.faces.update(
                level_of(row.confidence_percent / 100)
                for row in fresh
                if row.confidence_percent is not None and isinstance(row.row, FaceRow)
            )
        if Table.EVICTION in tables:
            for row in fresh:
                if isinstance(row.row, EvictionRow):
                    self.evicted[row.row.data.kind] += row.row.data.count
