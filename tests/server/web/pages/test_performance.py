"""What the page of performance says: figures in words, and which score is marked."""

from __future__ import annotations

import pytest

from server.web.pages.performance import TILES, live_texts
from server.web.pages.services_view import score_level


def test_tiles_say_nothing_where_nothing_is_known() -> None:
    overall = dict.fromkeys(("response_time_95th", "success_rate"))
    assert live_texts({"overall": overall, "plate_recognition": {}}) == dict.fromkeys(TILES, "–")


@pytest.mark.parametrize(
    ("score", "level"), [(None, None), (95.0, None), (79.0, "warn"), (20.0, "bad")]
)
def test_score_is_marked_as_advice_speaks(score: float | None, level: str | None) -> None:
    assert score_level(score) == level
