"""What the server counts about its work, since it was started."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from server.storage.protocol import ServerStats
from wire.errors import ErrorCode

DENIED: Final = "denied"
"""Who was not let in."""
MISBEHAVED: Final = "misbehaved"
"""Whose connection was closed for breaking the rules of the exchange."""
FAILED: Final = "failed"
"""A connection that ended in a fault of ours."""
CODES: Final = (*(code.value for code in ErrorCode), DENIED, MISBEHAVED, FAILED)
"""Everything that `Counters.refused` counts."""


@dataclass(slots=True)
class Counters:
    """Mutable on purpose: ingest counts here, the web and `server_stats` read.

    `rows_received` counts rows acknowledged, duplicates included; `errors` rows and frames that
    were refused, and rows that could not be stored, `refused` the same by code.
    """

    total_connections: int = 0
    active_connections: int = 0
    messages_received: int = 0
    messages_processed: int = 0
    rows_received: int = 0
    duplicates: int = 0
    errors: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def refuse(self, code: str, count: int = 1) -> None:
        """Counts errors of one kind: an `ErrorCode`, or what the gateway calls it."""
        self.errors += count
        self.refused[code] += count

    @property
    def wrong(self) -> int:
        """Errors of those who were let in: who knocks and is sent away asks nothing of us."""
        return self.errors - self.refused[DENIED]

    def snapshot(self) -> ServerStats:
        """The counts of this moment, as a row of `server_stats`."""
        return ServerStats(
            total_connections=self.total_connections,
            active_connections=self.active_connections,
            messages_received=self.messages_received,
            messages_processed=self.messages_processed,
            errors=self.errors,
        )
