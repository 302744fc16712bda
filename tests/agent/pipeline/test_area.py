"""Zones hold what lies in them; the line says which way what crossed it went."""

from __future__ import annotations

import pytest

from agent.pipeline.area import Area
from vision.geometry import Box

SIZE = (640, 480)
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
NOTCHED = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.2), (0.0, 1.0))
ACROSS = ((0.1, 0.5), (0.9, 0.5))


def _at(x: float, y: float) -> Box:
    """A plate whose middle is at this share of the picture."""
    return Box.from_xywh(x * 640 - 40, y * 480 - 10, 80, 20)


def test_without_zones_everything_counts() -> None:
    assert Area().counts(_at(0.9, 0.9), SIZE)
    assert Area().touches(_at(0.9, 0.9), SIZE)


@pytest.mark.parametrize(
    ("x", "y", "is_inside"), [(0.2, 0.5, True), (0.49, 0.99, True), (0.51, 0.5, False)]
)
def test_what_counts_has_its_middle_in_a_zone(x: float, y: float, *, is_inside: bool) -> None:
    assert Area(zones=(LEFT_HALF,)).counts(_at(x, y), SIZE) is is_inside


def test_a_zone_may_have_a_notch() -> None:
    area = Area(zones=(NOTCHED,))
    assert area.counts(_at(0.5, 0.1), SIZE)
    assert not area.counts(_at(0.5, 0.6), SIZE)
    assert area.counts(_at(0.95, 0.6), SIZE)


def test_any_of_several_zones_will_do() -> None:
    right = tuple((x + 0.5, y) for x, y in LEFT_HALF)
    assert Area(zones=(LEFT_HALF, right)).counts(_at(0.8, 0.5), SIZE)


def test_a_region_that_reaches_into_a_zone_is_looked_at() -> None:
    area = Area(zones=(LEFT_HALF,))
    assert area.touches(Box(x1=300, y1=0, x2=600, y2=100), SIZE)
    assert not area.touches(Box(x1=330, y1=0, x2=600, y2=100), SIZE)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((0.5, 0.2), (0.5, 0.8), "approaching"),
        ((0.5, 0.8), (0.5, 0.2), "receding"),
        ((0.5, 0.1), (0.5, 0.4), None),
        ((0.01, 0.2), (0.01, 0.8), None),  # passes beside its end
    ],
)
def test_crossing_the_line_gives_the_direction(
    before: tuple[float, float], after: tuple[float, float], expected: str | None
) -> None:
    assert Area(line=ACROSS).direction(_at(*before), _at(*after), SIZE) == expected


def test_a_line_drawn_the_other_way_turns_the_direction_round() -> None:
    turned = Area(line=(ACROSS[1], ACROSS[0]))
    assert turned.direction(_at(0.5, 0.2), _at(0.5, 0.8), SIZE) == "receding"


def test_without_a_line_there_is_no_direction() -> None:
    assert Area().direction(_at(0.5, 0.2), _at(0.5, 0.8), SIZE) is None
