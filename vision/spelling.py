"""How far two texts are apart. Values only."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

REMEMBERED: Final = 512
"""Pairs of texts whose answer is kept: those of the passages in view, each asked again with every
look. Many more would fill for hours, and a camera's memory would seem to leak."""


@lru_cache(maxsize=REMEMBERED)
def edit_distance(one: str, other: str) -> int:
    """Least number of characters to put in, leave out or replace (Levenshtein, 1966)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            cost = previous + (a != b)
            previous = row[j]
            row[j] = min(cost, row[j] + 1, row[j - 1] + 1)
    return row[-1]
