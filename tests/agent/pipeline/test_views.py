from __future__ import annotations

from agent.pipeline.views import VIEWS, around, next_view
from vision.geometry import Box

REGION = Box.from_xywh(100, 50, 500, 400)


def test_the_views_take_turns_and_one_is_the_whole_region() -> None:
    views = [next_view(REGION, looks) for looks in range(2 * VIEWS)]
    assert views[:VIEWS] == views[VIEWS:]
    assert len(set(views)) == VIEWS
    assert REGION in views


def test_every_view_lies_inside_its_region() -> None:
    for looks in range(VIEWS):
        view = next_view(REGION, looks)
        assert view.intersection(REGION) >= 0.999 * view.area


def test_a_small_region_is_seen_whole_with_a_margin() -> None:
    small = Box.from_xywh(100, 50, 150, 40)
    for looks in range(VIEWS):
        assert next_view(small, looks).intersection(small) == small.area


def test_the_surroundings_hold_every_known_plate() -> None:
    one, other = Box.from_xywh(100, 100, 90, 24), Box.from_xywh(400, 150, 80, 20)
    view = around([one, other])
    assert view.x1 == 10
    assert view.x2 == 560
    assert view.intersection(other) == other.area
