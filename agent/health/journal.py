"""Which results are worth a row: a change at once, otherwise one summary an interval. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from agent.health.result import HealthResult, Status


class HealthJournal:
    """Remembers each component's last state and when it was written. `now_s` is monotonic."""

    def __init__(self, *, interval_s: float) -> None:
        self._interval_s = interval_s
        self._written: dict[str, tuple[Status, float]] = {}

    def due(self, results: Iterable[HealthResult], *, now_s: float) -> list[HealthResult]:
        """The results to write now, in their order."""
        chosen: list[HealthResult] = []
        for result in results:
            last = self._written.get(result.component)
            if last is None or last[0] is not result.status or now_s - last[1] >= self._interval_s:
                self._written[result.component] = (result.status, now_s)
                chosen.append(result)
        return chosen
