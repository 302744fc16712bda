"""Figures of the rows that were stored, for whoever watches the server. Never decides anything.

Told of whole groups, so that a row costs it well under a microsecond (`benchmarks.metrics`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from telemetry.distribution import POWERS_OF_TWO, SECONDS, SHARES, Distribution
from telemetry.face_level import level_of
from wire.accepted import AcceptedRow
from wire.rows import TABLE_OF, EvictionRow, FaceRow, LprRow, Table


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

    def committed(self, rows: int, fresh: Sequence[AcceptedRow], *, seconds: float) -> None:
        """A group of so many rows was dealt with in so long; `fresh` are those new on disk."""
        if not fresh:
            return
        self.group_rows.add(rows)
        self.commit_s.add(seconds)
        kinds = Counter([type(row.row) for row in fresh])
        for kind, count in kinds.items():
            self.rows[TABLE_OF[kind]] += count
        if LprRow in kinds:
            self.confidence.add_all(_shares(fresh, LprRow))
        if FaceRow in kinds:
            self.faces.update(map(level_of, _shares(fresh, FaceRow)))
        if EvictionRow in kinds:
            for row in fresh:
                if isinstance(row.row, EvictionRow):
                    self.evicted[row.row.data.kind] += row.row.data.count


def _shares(rows: Sequence[AcceptedRow], kind: type) -> list[float]:
    """The confidence of rows of one kind, 0..1."""
    return [
        percent / 100
        for row in rows
        if type(row.row) is kind and (percent := row.confidence_percent) is not None
    ]
