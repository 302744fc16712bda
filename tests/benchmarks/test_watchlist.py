"""The watchlist benchmark measures what it says."""

from __future__ import annotations

from benchmarks.watchlist import measure


def test_sightings_meet_a_list_and_some_are_listed() -> None:
    result = measure(entries=300, sightings=100, seed=1)
    assert result.entries == 300
    assert 10 <= result.alerts < 100
    assert 0 < result.cpu_median_us <= result.cpu_p99_us <= result.cpu_largest_us
