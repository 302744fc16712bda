"""How a run of the agent ended: from what is known to an exit code and one sentence. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
"""It could not go on, or was stopped before everything was sent."""
EXIT_INCOMPLETE: Final = 3
"""Everything that could be sent was, but rows were refused or sightings could not be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Facts at the end of a run.

    `failure` is why watching ended early, if it did. `waits_for_rows`: the run was to go on until
    every row is settled (`--until-end` with a sender of its own). `was_stopped` by a signal.
    `without_table` rows wait because the server has no table for them.
    """

    failure: str | None = None
    waits_for_rows: bool = False
    was_stopped: bool = False
    waiting: int = 0
    without_table: int = 0
    refused: int = 0
    lost: int = 0
    acknowledged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The exit code, and what to write into the log."""

    code: int
    text: str

    @property
    def is_success(self) -> bool:
        return self.code == EXIT_OK


def judge(ending: Ending) -> Verdict:
    """The worst fact decides."""
    if ending.failure is not None:
        return Verdict(code=EXIT_FAILED, text=f"watching ended: {ending.failure}")
    if ending.waits_for_rows and ending.was_stopped:
        text = f"stopped before the end; {ending.waiting} rows wait and are sent by the next run"
        return Verdict(code=EXIT_FAILED, text=text)
    if ending.lost:
        text = f"{ending.lost} sightings could not be stored and are lost: check disk and locks"
        return Verdict(code=EXIT_INCOMPLETE, text=text)
    if not ending.waits_for_rows:
        return Verdict(code=EXIT_OK, text=f"stopped; {ending.waiting} rows wait")
    if ending.refused:
        text = f"{ending.refused} rows were refused by the server: see send_error in the database"
        return Verdict(code=EXIT_INCOMPLETE, text=text)
    if ending.without_table:
        text = f"{ending.without_table} rows wait: this older server has no table for them"
        return Verdict(code=EXIT_INCOMPLETE, text=text)
    if ending.waiting:
        return Verdict(code=EXIT_FAILED, text=f"{ending.waiting} rows still wait")
    return Verdict(code=EXIT_OK, text=f"every row is acknowledged: {ending.acknowledged}")
