"""The check of the way to the server and of what waits before it. Facts in, results out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agent.health.result import HealthResult, failed, passed, warned
from agent.health.span import spoken

OLD_BACKLOG: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """`is_open` is None where another process sends, or none.

    `is_hopeless`: it stays so until a person changes a setting. `oldest_at` is the capture time
    of the oldest row that waits.
    """

    is_open: bool | None
    state: str
    advice: str = ""
    is_hopeless: bool = False
    waiting_rows: int = 0
    oldest_at: datetime | None = None


def check_link(facts: LinkFacts, *, now: datetime) -> HealthResult:
    """A link that is down costs nothing but time: it fails only where waiting does not help."""
    age = now - facts.oldest_at if facts.oldest_at is not None else timedelta()
    backlog = f"{facts.waiting_rows} rows wait"
    if facts.waiting_rows:
        backlog += f", the oldest for {spoken(age)}"
    if facts.is_open is None:
        text = f"{facts.state}; {backlog}"
        if age > OLD_BACKLOG:
            return warned("link", f"{text}: does 'python -m agent send' run?")
        return passed("link", text)
    if facts.is_open:
        if age > OLD_BACKLOG:
            return warned("link", f"connected; {backlog}: they are on their way, newest first")
        return passed("link", f"connected; {backlog}")
    why = facts.advice or "not connected yet"
    text = f"{facts.state}: {why}; {backlog}, none is lost"
    return failed("link", text) if facts.is_hopeless else warned("link", text)
