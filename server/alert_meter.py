"""What became of alerts since the server was started, for whoever watches it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from telemetry import catalogue as known
from telemetry.metrics import Reading


class Raising(Protocol):
    """Raises alerts."""

    raised: int
    doubted: int


class Telling(Protocol):
    """Takes alerts to their channels."""

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Attempts by what came of them."""
        ...


class AlertMeter:
    """Says nothing before it is told what to look at: a process may raise none."""

    def __init__(self) -> None:
        self._sources: tuple[Raising, Telling] | None = None

    def look_at(self, raising: Raising, telling: Telling) -> None:
        self._sources = raising, telling

    def readings(self) -> Iterator[Reading]:
        if self._sources is None:
            return
        raising, telling = self._sources
        yield known.ALERTS_RAISED.of(raising.raised)
        yield known.ALERTS_DOUBTED.of(raising.doubted)
        for outcome, count in telling.outcomes.items():
            yield known.ALERT_DELIVERIES.of(count, outcome)
