"""Texts are as far apart as the fewest edits between them."""

from __future__ import annotations

import pytest

from vision.spelling import edit_distance


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("RK755AJ", "RK755AJ", 0), ("RK755A", "RK755AJ", 1), ("AB", "BA", 2), ("", "ABC", 3)],
)
def test_edits_between_texts(one: str, other: str, edits: int) -> None:
    assert edit_distance(one, other) == edits
