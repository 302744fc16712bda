"""What a server's welcome says of the rows that it has."""

from __future__ import annotations

from agent.delivery import ServerHolds
from wire.v1 import Welcome


def holdings(welcome: Welcome) -> ServerHolds | None:
    """None where the server does not count, or does not name its run: nothing can be concluded."""
    if welcome.rows_stored is None or welcome.run is None:
        return None
    return ServerHolds(rows=welcome.rows_stored, run=welcome.run, known_run=welcome.known_run)
