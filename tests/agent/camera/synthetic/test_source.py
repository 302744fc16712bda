"""Pace and time of the synthetic source, on a clock that the test turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent.camera.errors import SourceTimedOut
from agent.camera.synthetic.settings import SyntheticSettings
from agent.camera.synthetic.source import SyntheticSource

NOW = datetime(2024, 8, 6, 10, 30, tzinfo=UTC)
LIVE = SyntheticSettings(width=320, height=180, fps=10)


class Clock:
    """A clock that goes on only while somebody sleeps, or when told."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept_s: list[float] = []
        self.now_at = NOW

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds

    def source(self, settings: SyntheticSettings) -> SyntheticSource:
        return SyntheticSource(
            settings, clock=lambda: self.now_s, sleep=self.sleep, utc_now=lambda: self.now_at
        )


def test_a_live_source_waits_for_each_exposure_and_dates_it() -> None:
    clock = Clock()
    with clock.source(LIVE) as source:
        assert not source.is_finite
        assert source.total_frames is None
        frames = [source.read(1.0) for _ in range(3)]
    assert clock.slept_s == pytest.approx([0.1, 0.1])
    assert [f.captured_at for f in frames if f] == [
        NOW + timedelta(seconds=n / 10) for n in range(3)
    ]


def test_a_live_source_that_was_not_read_skips_like_a_sensor() -> None:
    clock = Clock()
    with clock.source(LIVE) as source:
        source.read(1.0)
        clock.now_s += 1.05
        frame = source.read(1.0)
    assert frame is not None
    assert frame.number == 10
    assert frame.captured_at == NOW + timedelta(seconds=1)


def test_a_timeout_shorter_than_the_frame_time_loses_no_frame() -> None:
    clock = Clock()
    with clock.source(LIVE) as source:
        source.read(1.0)
        with pytest.raises(SourceTimedOut, match=r"0\.10 s"):
            source.read(0.06)
        frame = source.read(0.06)
    assert frame is not None
    assert frame.number == 1


def test_a_finite_run_is_not_paced_and_dates_what_it_renders_when_it_does() -> None:
    settings = SyntheticSettings(vehicles=1, width=320, height=180)
    clock = Clock()
    with clock.source(settings) as source:
        first = source.read(1.0)
        clock.now_at += timedelta(seconds=7)
        second = source.read(1.0)
    assert clock.slept_s == []
    assert first is not None
    assert second is not None
    assert (first.captured_at, second.captured_at) == (NOW, NOW + timedelta(seconds=7))
    assert second.at_s - first.at_s == pytest.approx(1 / settings.fps)


def test_a_finite_run_can_be_paced_and_then_drops_nothing() -> None:
    settings = SyntheticSettings(vehicles=1, width=320, height=180, realtime=True)
    clock = Clock()
    with clock.source(settings) as source:
        source.read(1.0)
        clock.now_s += 1.0
        frame = source.read(1.0)
        assert frame is not None
        assert frame.number == 1
    assert [p.number for p in source.truth()] == [0]
