"""What one check found: a component, one of three states, and a sentence. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The three states, by the names that the older system wrote."""

    PASS = "PASS"  # noqa: S105 - a status, not a password
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthResult:
    """What one check found; `message` says what it saw and, unless PASS, what to do."""

    component: str
    status: Status
    message: str


def worst_of(results: Iterable[HealthResult]) -> Status | None:
    """The state of all together; None where nothing was looked at yet."""
    return max((one.status for one in results), key=list(Status).index, default=None)


def passed(component: str, message: str) -> HealthResult:
    """All is well."""
    return HealthResult(component=component, status=Status.PASS, message=message)


def warned(component: str, message: str) -> HealthResult:
    """It works, but somebody should look; the message says at what."""
    return HealthResult(component=component, status=Status.WARN, message=message)


def failed(component: str, message: str) -> HealthResult:
    """It does not work; the message says what to do."""
    return HealthResult(component=component, status=Status.FAIL, message=message)
