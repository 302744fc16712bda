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
        """The results to write now, in their order; they stay due until they are `written`."""
        return [result for result in results if self._is_due(result, now_s)]

    def written(self, result: HealthResult, *, now_s: float) -> None:
        """The result is stored."""
        self._written[result.component] = (result.status, now_s)

    def _is_due(self, result: HealthResult, now_s: float) -> bool:
        last = self._written.get(result.component)
        return last is None or last[0] is not result.status or now_s - last[1] >= self._interval_s
