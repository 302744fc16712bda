from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pipeline.tracker import Detection, Tracker, TrackerSettings
from vision.geometry import Box

STEP_S = 0.1


def _box(x: float, y: float, width: float = 200, height: float = 150) -> Detection:
    return Detection(box=Box.from_xywh(x, y, width, height))


def _plate(text: str, x: float, y: float, confidence: float = 0.9) -> Detection:
    return Detection(box=Box.from_xywh(x, y, 90, 22), text=text, confidence=confidence)


@given(
    speed=st.tuples(st.floats(-600, 600), st.floats(-400, 400)),
    size=st.floats(60, 400),
    growth=st.floats(0.95, 1.06),
    gaps=st.sets(st.integers(3, 18), max_size=3),
)
def test_one_vehicle_is_one_track_through_missed_frames(
    speed: tuple[float, float], size: float, growth: float, gaps: set[int]
) -> None:
    # Faster than half its size from frame to frame nothing is followed by position alone.
    slower = min(1.0, 0.5 * size / (STEP_S * max(abs(speed[0]), abs(speed[1]), 1.0)))
    tracker, ids = Tracker(TrackerSettings()), set[int | None]()
    for number in range(20):
        way, side = slower * number * STEP_S, size * growth**number
        seen = _box(500 + speed[0] * way, 400 + speed[1] * way, side, side)
        update = tracker.update(number * STEP_S, [] if number in gaps else [seen])
        ids |= set(update.ids)
    assert ids == {1}


@given(st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_splitting_and_melting_blobs_stay_one_track(pieces: list[int]) -> None:
    tracker, ids = Tracker(TrackerSettings()), list[int | None]()
    tracker.update(0.0, [_box(100, 100, 300, 200)])
    for number, count in enumerate(pieces, start=1):
        x, width = 100 + 20 * number, 300 / count
        parts = [_box(x + width * i, 100, width - 5, 200) for i in range(count)]
        ids += tracker.update(number * STEP_S, parts).ids
    assert set(ids) == {1}
    assert len(tracker.alive) == 1


def test_two_lanes_in_opposite_directions_are_two_tracks() -> None:
    tracker, seen = Tracker(TrackerSettings()), set[tuple[int | None, ...]]()
    for number in range(20):
        down, up = _box(200, 30 * number), _box(520, 600 - 30 * number)
        seen.add(tracker.update(number * STEP_S, [down, up]).ids)
    assert seen == {(1, 2)}


def test_two_vehicles_that_melt_into_one_blob_for_a_while_both_live_on() -> None:
    tracker = Tracker(TrackerSettings())
    for number in range(5):
        tracker.update(number * STEP_S, [_box(100, 40 * number), _box(420, 40 * number)])
    for number in range(5, 9):
        tracker.update(number * STEP_S, [_box(100, 40 * number, 520, 150)])
    update = tracker.update(0.9, [_box(100, 360), _box(420, 360)])
    assert sorted(track_id or 0 for track_id in update.ids) == [1, 2]


def test_a_track_ends_once_after_its_time_and_not_before() -> None:
    tracker = Tracker(TrackerSettings(gone_after_s=0.5))
    tracker.update(0.0, [_box(100, 100)])
    assert tracker.update(0.5, []).ended == ()
    assert [track.id for track in tracker.update(0.6, []).ended] == [1]
    assert tracker.update(0.7, []).ended == ()


def test_what_comes_after_a_track_ended_is_another_one() -> None:
    tracker = Tracker(TrackerSettings(gone_after_s=0.5))
    tracker.update(0.0, [_box(100, 100)])
    assert tracker.update(2.0, [_box(100, 100)]).ids == (2,)


def test_finish_ends_what_lives() -> None:
    tracker = Tracker(TrackerSettings())
    tracker.update(0.0, [_box(100, 100), _box(600, 100)])
    assert [track.id for track in tracker.finish()] == [1, 2]
    assert tracker.finish() == ()


def test_the_same_text_is_followed_further_than_a_box_alone() -> None:
    tracker = Tracker(TrackerSettings())
    tracker.update(0.0, [_plate("WA56660", 300, 100)])
    assert tracker.update(0.2, [_plate("WA56660", 420, 260)]).ids == (1,)


def test_another_text_at_a_distance_is_another_plate() -> None:
    tracker = Tracker(TrackerSettings())
    tracker.update(0.0, [_plate("WA56660", 300, 100)])
    assert tracker.update(0.2, [_plate("KR12345", 330, 130)]).ids == (2,)


def test_a_misreading_in_the_same_place_at_once_is_the_same_plate() -> None:
    tracker = Tracker(TrackerSettings())
    tracker.update(0.0, [_plate("WA56660", 300, 100)])
    assert tracker.update(0.1, [_plate("XXXX", 305, 102)]).ids == (1,)


def test_a_following_vehicle_in_the_same_place_later_is_another_one() -> None:
    tracker = Tracker(TrackerSettings(gone_after_s=2.5))
    tracker.update(0.0, [_plate("WA56660", 300, 100)])
    assert tracker.update(1.0, [_plate("KR12345", 300, 100)]).ids == (2,)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12),
        min_size=1,
        max_size=15,
    )
)
def test_tracks_are_bounded_and_each_begins_and_ends_once(
    frames: list[list[tuple[int, int]]],
) -> None:
    tracker, begun, ended = Tracker(TrackerSettings(max_tracks=4)), set[int](), list[int]()
    for number, cells in enumerate(frames):
        update = tracker.update(number * 0.3, [_box(300 * x, 300 * y, 50, 50) for x, y in cells])
        assert len(update.alive) <= 4
        assert len(update.ids) == len(cells)
        begun |= {track.id for track in update.alive}
        ended += [track.id for track in update.ended]
    ended += [track.id for track in tracker.finish()]
    assert sorted(ended) == sorted(begun)


def test_what_finds_no_room_is_counted() -> None:
    tracker = Tracker(TrackerSettings(max_tracks=1))
    assert tracker.update(0.0, [_box(0, 0, 50, 50), _box(500, 500, 50, 50)]).ids == (1, None)
    assert tracker.turned_away == 1


def _melted(hidden_s: float) -> tuple[list[int], Tracker]:
    """Two vehicles side by side, then one box around both for a second; who lives at the end."""
    tracker = Tracker(TrackerSettings(gone_after_s=0.5, hidden_s=hidden_s))
    for number in range(5):
        tracker.update(number * STEP_S, [_box(100, 10 * number), _box(420, 10 * number)])
    for number in range(5, 15):
        tracker.update(number * STEP_S, [_box(100, 10 * number, 520, 150)])
    return [track.id for track in tracker.alive], tracker


def test_a_covered_vehicle_is_carried_on_only_as_long_as_it_may_be_hidden() -> None:
    long, tracker = _melted(hidden_s=2.0)
    assert long == [1, 2]
    covered = min(tracker.alive, key=lambda track: track.seen_s)
    assert covered.last_seen_s == pytest.approx(
        1.4
    )  # lives, though it had no box of its own since 0.4
    assert covered.seen_s == 0.4
    short, _ = _melted(hidden_s=0.3)
    assert len(short) == 1


def test_what_lies_beside_the_box_is_not_covered_by_it() -> None:
    tracker = Tracker(TrackerSettings(gone_after_s=0.5, hidden_s=2.0))
    for number in range(3):
        tracker.update(number * STEP_S, [_box(100, 100), _box(600, 100)])
    for number in range(3, 12):
        tracker.update(number * STEP_S, [_box(100, 100)])
    assert [track.id for track in tracker.alive] == [1]


def test_a_plate_is_never_carried_on_by_another_over_it() -> None:
    tracker = Tracker(TrackerSettings(gone_after_s=0.5, hidden_s=2.0))
    tracker.update(0.0, [_plate("WA56660", 300, 100), _plate("KR12345", 420, 100)])
    wide = Detection(box=Box.from_xywh(290, 90, 230, 50), text="WA56660", confidence=0.9)
    for number in range(1, 10):
        tracker.update(number * STEP_S, [wide])
    assert [track.text for track in tracker.alive] == ["WA56660"]
