"""The check of the way to the server and of what waits before it. Facts in, results out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agent.health.result import HealthResult, failed, passed, warned
from agent.span import spoken

OLD_BACKLOG: Final = timedelta(hours=1)
NOT_SENDING: Final = "none runs: start it with run_websocket_sender.sh or systemctl"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """`is_open` is None where another process is to send: `sender_process` is its id, None where
    none runs.

    `is_hopeless`: it stays so until a person changes a setting. `oldest_at` is the capture time
    of the oldest row that waits.
    """

    is_open: bool | None
    state: str
    sender_process: str | None = None
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
        if facts.sender_process is None:
            return warned("link", f"{facts.state}, {NOT_SENDING}; {backlog}")
        text = f"{facts.state}, process {facts.sender_process}; {backlog}"
        if age > OLD_BACKLOG:
            return warned("link", f"{text}: its log tells why")
        return passed("link", text)
    if facts.is_open:
        if age > OLD_BACKLOG:
            return warned("link", f"connected; {backlog}: they are on their way, newest first")
        return passed("link", f"connected; {backlog}")
    why = facts.advice or "not connected yet"
    text = f"{facts.state}: {why}; {backlog}, none is lost"
    return failed("link", text) if facts.is_hopeless else warned("link", text)
