"""What went wrong, as a report: code, severity, where, the traceback, and what was done. Pure.

Made of the events of the log, so that whatever is logged as wrong is reported, by both programs
alike. An event may say `code`, `severity` and `action` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from telemetry.redaction import redacted

LONGEST_MESSAGE: Final = 500
LONGEST_DETAILS: Final = 1_000
LONGEST_TRACEBACK: Final = 6_000
"""Characters; of a longer traceback the end is kept, which says what was raised."""
LONGEST_CODE: Final = 60
SEARCHED: Final = 20_000
"""Characters of a text that are searched for secrets, many more than are kept: of a text without
bounds the search would have none either."""
_SAID_APART: Final = frozenset(
    {"event", "level", "logger", "timestamp", "exception", "code", "severity", "action"}
)


class Severity(StrEnum):
    """LOW: odd, and dealt with. MEDIUM: something failed. HIGH: something failed that nobody
    foresaw. CRITICAL: a part of the program could not go on, and was helped."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReport:
    """`component` is the part of the program that said it, `details` the facts beside the message,
    `action` what was done about it. None of them holds a secret or a plate."""

    at: datetime
    code: str
    severity: Severity
    component: str
    message: str
    details: str = ""
    traceback: str | None = None
    action: str | None = None


def report_of(event: Mapping[str, Any], *, at: datetime, secrets: Iterable[str]) -> ErrorReport:
    """Of an event of the log at the level of a warning or above."""
    trace, action = event.get("exception"), event.get("action")
    facts = {key: value for key, value in event.items() if key not in _SAID_APART}
    details = "  ".join(f"{key}={value}" for key, value in facts.items() if key[:1] != "_")

    def clean(text: str) -> str:
        """Halves of characters, which no answer can carry, are escaped."""
        return redacted(text.encode("utf-8", "backslashreplace").decode(), secrets)

    return ErrorReport(
        at=at,
        code=code_in(event),
        severity=severity_in(event),
        component=clean(str(event.get("logger", ""))),
        message=clean(str(event.get("event", ""))[:SEARCHED])[:LONGEST_MESSAGE],
        details=clean(details[:SEARCHED])[:LONGEST_DETAILS],
        traceback=None if trace is None else clean(str(trace)[-SEARCHED:])[-LONGEST_TRACEBACK:],
        action=None if action is None else clean(str(action)[:SEARCHED])[:LONGEST_MESSAGE],
    )


def code_in(event: Mapping[str, Any]) -> str:
    """What an event calls itself, or what its words make of it."""
    return code_of(str(event.get("code") or event.get("event", "")))


def code_of(text: str) -> str:
    """A short name of what happened, from the first words that say it: no numbers, so that the same
    fault has one code."""
    words = re.findall(r"[a-z]+", text[:SEARCHED].partition(":")[0].lower())
    return "_".join(words)[:LONGEST_CODE].strip("_") or "unnamed"


def severity_in(event: Mapping[str, Any]) -> Severity:
    """What an event says of itself, or what its level and a traceback make of it."""
    said = event.get("severity")
    if said in tuple(Severity):
        return Severity(said)
    if event.get("level") == "critical":
        return Severity.CRITICAL
    if event.get("level") == "warning":
        return Severity.LOW
    return Severity.HIGH if event.get("exception") else Severity.MEDIUM
