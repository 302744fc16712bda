"""How plate texts compare: alignment and likeness. Values only."""

from __future__ import annotations

from functools import lru_cache

from vision.spelling import REMEMBERED, edit_distance

Pair = tuple[int | None, int | None]
"""Positions in the first and second text that stand for the same character; None: no partner."""


@lru_cache(maxsize=REMEMBERED)
def align(one: str, other: str) -> tuple[Pair, ...]:
    """A cheapest alignment of two texts, in order; replacing is preferred over moving."""
    table = _distances(one, other)
    i, j = len(one), len(other)
    pairs: list[Pair] = []
    while i or j:
        here = table[i][j]
        if i and j and here == table[i - 1][j - 1] + (one[i - 1] != other[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and here == table[i - 1][j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return tuple(reversed(pairs))


def are_alike(one: str, other: str) -> bool:
    """Whether two texts may be readings of one plate: a third of the characters may differ."""
    return edit_distance(one, other) <= max(1, max(len(one), len(other)) // 3)


def likeness(one: str, other: str) -> float:
    """1 for the same text, 0 where no character can stay."""
    longest = max(len(one), len(other))
    return 1.0 - edit_distance(one, other) / longest if longest else 1.0


def _distances(one: str, other: str) -> list[list[int]]:
    table = [list(range(len(other) + 1))]
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            row.append(min(table[-1][j - 1] + (a != b), table[-1][j] + 1, row[-1] + 1))
        table.append(row)
    return table
