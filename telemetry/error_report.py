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
    message = str(event.get("event", ""))
    trace = event.get("exception")
    facts = {key: value for key, value in event.items() if key not in _SAID_APART}
    details = "  ".join(f"{key}={value}" for key, value in facts.items() if key[:1] != "_")
    action = event.get("action")
    return ErrorReport(
        at=at,
        code=code_of(str(event.get("code") or message)),
        severity=_severity(event),
        component=str(event.get("logger", "")),
        message=redacted(message, secrets)[:LONGEST_MESSAGE],
        details=redacted(details, secrets)[:LONGEST_DETAILS],
        traceback=None if trace is None else redacted(str(trace), secrets)[-LONGEST_TRACEBACK:],
        action=None if action is None else redacted(str(action), secrets)[:LONGEST_MESSAGE],
    )


def code_of(text: str) -> str:
    """A short name of what happened, from the first words that say it: no numbers, so that the same
    fault has one code."""
    words = re.findall(r"[a-z]+", text.partition(":")[0].lower())
    return "_".join(words)[:LONGEST_CODE].strip("_") or "unnamed"


def _severity(event: Mapping[str, Any]) -> Severity:
    said = event.get("severity")
    if said in tuple(Severity):
        return Severity(said)
    if event.get("level") == "critical":
        return Severity.CRITICAL
    if event.get("level") == "warning":
        return Severity.LOW
    return Severity.HIGH if event.get("exception") else Severity.MEDIUM
