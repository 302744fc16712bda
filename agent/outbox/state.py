"""How a database was left: stopped in order, running, or found corrupt. A file beside it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog

from agent.outbox.durable import write_durably

log = structlog.get_logger(__name__)


class Left(StrEnum):
    """`RUNNING` at a start means that the last run was not ended in order."""

    STOPPED = "stopped"
    RUNNING = "running"
    CORRUPT = "corrupt"


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`checked_at` is when the database was last found sound; `aside` where a corrupt one goes."""

    left: Left
    checked_at: datetime | None = None
    aside: str | None = None


class StateFile:
    """A damaged or missing file is no state: the database is then taken as not known to us."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".state")

    def read(self) -> State | None:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, state: State) -> bool:
        """Durably. Whether it could be: what cannot is told, for it mostly only costs a check."""
        try:
            write_durably(self.path, msgspec.json.encode(state))
        except OSError as error:
            log.warning("state cannot be written", file=str(self.path), error=str(error))
            return False
        return True
