"""Times and successes are counted rightly, and never without bound."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.performance import BOUNDS_MS, KEPT, MOST_NAMES, OTHER, Kind, Performance, percentile


def _steady(step_s: float = 0.002) -> Performance:
    """Everything takes one step of a clock that goes on by itself."""
    ticks = iter(range(10**7))
    return Performance(lambda: next(ticks) * step_s)


def test_what_runs_is_timed_and_counted_by_kind_and_name() -> None:
    performance = _steady()
    for _ in range(3):
        with performance.measure(Kind.STAGE, "motion"):
            pass
    performance.took(Kind.STAGE, "motion", 8.0)
    figures = performance.figures(Kind.STAGE)["motion"]
    assert (figures.count, figures.success_rate, figures.last_error) == (4, 1.0, None)
    assert (figures.min_ms, figures.max_ms) == pytest.approx((2.0, 8.0))
    assert figures.mean_ms == pytest.approx(3.5)
    assert (figures.p50_ms, figures.p95_ms) == pytest.approx((2.0, 8.0))
    assert performance.figures(Kind.MODEL) == {}


def test_all_runs_are_counted_by_how_long_they_took() -> None:
    performance = _steady()
    for ms in (1.0, 1.1, 20_000.0):
        performance.took(Kind.STAGE, "motion", ms)
    with pytest.raises(ValueError), performance.measure(Kind.STAGE, "motion"):  # noqa: PT011 - ours
        raise ValueError
    times = performance.times(Kind.STAGE)["motion"]
    assert times.counts == (1, 2, *[0] * (len(BOUNDS_MS) - 2), 1)
    assert times.total_ms == pytest.approx(20_004.1)
    assert times.failures == 1


def test_what_raises_is_no_success_is_remembered_and_raised_on() -> None:
    performance = _steady()
    with pytest.raises(ValueError, match="of no use"), performance.measure(Kind.MODEL, "reader"):
        raise ValueError("of no use" * 100)
    with performance.measure(Kind.MODEL, "reader"):
        pass
    figures = performance.figures(Kind.MODEL)["reader"]
    assert (figures.count, figures.success_rate) == (2, 0.5)
    assert figures.last_error is not None
    assert figures.last_error.startswith("ValueError: of no use")
    assert len(figures.last_error) == 200


def test_what_runs_may_say_that_it_found_nothing() -> None:
    performance = _steady()
    with performance.measure(Kind.METHOD, "follow") as measurement:
        measurement.is_success = False
    figures = performance.figures(Kind.METHOD)["follow"]
    assert (figures.count, figures.success_rate, figures.last_error) == (1, 0.0, None)


def test_memory_is_bounded_in_names_and_in_times() -> None:
    performance = _steady()
    for number in range(MOST_NAMES + 10):
        performance.took(Kind.STAGE, f"stage {number}", 1.0)
    figures = performance.figures(Kind.STAGE)
    assert len(figures) == MOST_NAMES + 1
    assert figures[OTHER].count == 10
    for ms in range(3 * KEPT):
        performance.took(Kind.MODEL, "reader", float(ms))
    reader = performance.figures(Kind.MODEL)["reader"]
    assert reader.p50_ms == 2.5 * KEPT - 1  # of the last KEPT
    assert (reader.count, reader.min_ms, reader.max_ms) == (3 * KEPT, 0.0, 3 * KEPT - 1)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 1.0]))
def test_percentile_is_the_nearest_rank(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
    below = [value for value in ordered if value < found]
    assert len(below) <= math.ceil(share * len(ordered)) - 1


def test_figures_may_be_read_while_others_write() -> None:
    performance = _steady()
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            performance.took(Kind.STAGE, f"stage {number % 50}", 1.0)
            number += 1

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(200):
            assert all(f.count > 0 for f in performance.figures(Kind.STAGE).values())
    finally:
        stop.set()
        for writer in writers:
            writer.join()
