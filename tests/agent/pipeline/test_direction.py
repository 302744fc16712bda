from __future__ import annotations

import pytest

from agent.pipeline.direction import direction, has_moved
from vision.geometry import Box

PLATE = Box.from_xywh(500, 300, 90, 24)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (Box.from_xywh(480, 400, 130, 34), "approaching"),
        (Box.from_xywh(510, 200, 60, 16), "receding"),
        (Box.from_xywh(505, 380, 92, 24), "approaching"),
        (Box.from_xywh(505, 220, 88, 24), "receding"),
        (Box.from_xywh(650, 310, 90, 24), "right"),
        (Box.from_xywh(350, 290, 90, 24), "left"),
        (Box.from_xywh(503, 302, 91, 24), None),
        (Box.from_xywh(500, 300, 0, 0), None),
    ],
)
def test_direction_follows_growth_then_way(last: Box, expected: str | None) -> None:
    assert direction(PLATE, last) == expected


def test_jitter_of_a_reading_is_no_movement() -> None:
    assert not has_moved(PLATE, Box.from_xywh(502, 301, 91, 24))
    assert not has_moved(PLATE, Box.from_xywh(500, 312, 78, 22))
    assert has_moved(PLATE, Box.from_xywh(500, 330, 90, 24))
    assert has_moved(PLATE, Box.from_xywh(490, 297, 125, 33))
