"""What the parts of a process stand on: its database, its bells, and what only one process does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from server.bell import Bell
from server.storage.access import Access, SqliteAccess
from server.storage.postgres.leading import Duty
from server.supervision import Work

Led: TypeAlias = Callable[[Duty, Mapping[str, Work]], Mapping[str, Work]]


def by_oneself(duty: Duty, works: Mapping[str, Work]) -> Mapping[str, Work]:
    """Where there is no other process."""
    del duty
    return works


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """`committed` rings with new rows, `alerted` with new alerts and what people said of one.

    `led` makes of works such that are done while this process is the one that does them: whoever
    else could takes over when it ends.
    """

    access: Access
    committed: Bell = field(default_factory=Bell)
    alerted: Bell = field(default_factory=Bell)
    led: Led = by_oneself


def ground_on(path: Path) -> Ground:
    """On a SQLite file, of one process."""
    return Ground(access=SqliteAccess(path))
