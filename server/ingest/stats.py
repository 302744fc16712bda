"""What the server counts about its work, since it was started."""

from __future__ import annotations

from dataclasses import dataclass

from server.storage.protocol import ServerStats


@dataclass(slots=True)
class Counters:
    """Mutable on purpose: ingest counts here, the web and `server_stats` read.

    `rows_received` counts rows acknowledged, duplicates included; `errors` rows and frames that
    were refused, and rows that could not be stored.
    """

    total_connections: int = 0
    active_connections: int = 0
    messages_received: int = 0
    messages_processed: int = 0
    rows_received: int = 0
    duplicates: int = 0
    errors: int = 0

    def snapshot(self) -> ServerStats:
        """The counts of this moment, as a row of `server_stats`."""
        return ServerStats(
            total_connections=self.total_connections,
            active_connections=self.active_connections,
            messages_received=self.messages_received,
            messages_processed=self.messages_processed,
            errors=self.errors,
        )
