"""Rows that are read and not sent."""

from __future__ import annotations

from collections import deque

from agent.uplink.message import PreparedRow


class Ready:
    """In order: by lane, otherwise as they came."""

    def __init__(self) -> None:
        self.rows: deque[PreparedRow] = deque()
        self.size_bytes = 0

    def add(self, rows: list[PreparedRow]) -> None:
        overtakes = self.rows and rows and rows[0].lane < self.rows[-1].lane
        self.rows.extend(rows)
        if overtakes:
            self.rows = deque(sorted(self.rows, key=lambda row: row.lane))
        self.size_bytes += sum(len(row.content) for row in rows)

    def pop(self) -> PreparedRow:
        row = self.rows.popleft()
        self.size_bytes -= len(row.content)
        return row
