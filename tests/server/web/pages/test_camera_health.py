"""A camera's states as bars: as many as can be seen, however often they change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server.storage.reading.cameras import HealthHistory, HealthStretch
from server.web.pages.camera_health import bars_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stretches(*states: tuple[float, str]) -> tuple[HealthStretch, ...]:
    """States by the minutes after noon at which they began."""
    begins = [NOON + timedelta(minutes=minutes) for minutes, _ in states]
    return tuple(
        HealthStretch(component="link", status=status, message="", since=begin, until=end)
        for (_, status), begin, end in zip(states, begins, [*begins[1:], None], strict=True)
    )


def history(*found: HealthStretch) -> HealthHistory:
    return HealthHistory(since=NOON, until=NOON + HOUR, stretches=found, series=())


def test_states_that_can_be_seen_have_a_bar_each_up_to_the_present() -> None:
    found = stretches((-30, "PASS"), (30, "FAIL"), (45, "PASS"))
    bars = bars_of(found, history(*found), 20)
    assert [(bar.left, bar.width, bar.worst.status) for bar in bars] == [
        (0.0, 50.0, "PASS"),
        (50.0, 25.0, "FAIL"),
        (75.0, 25.0, "PASS"),
    ]


def test_what_changes_all_the_time_has_no_more_bars_than_fit_and_hides_no_fault() -> None:
    found = stretches(*((n / 10, "FAIL" if n == 333 else "PASS") for n in range(600)))
    bars = bars_of(found, history(*found), 20)
    assert len(bars) == 20
    assert sum(bar.states for bar in bars) == 600
    assert [bar.worst.status for bar in bars].count("FAIL") == 1
    assert sum(bar.width for bar in bars) == 100
