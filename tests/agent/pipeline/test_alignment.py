from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from agent.pipeline.alignment import align, are_alike, likeness
from vision.spelling import edit_distance

TEXTS = st.text(alphabet="AB01", max_size=8)


@given(TEXTS, TEXTS)
def test_the_alignment_costs_what_the_distance_says(one: str, other: str) -> None:
    pairs = align(one, other)
    cost = sum(i is None or j is None or one[i] != other[j] for i, j in pairs)
    assert cost == edit_distance(one, other)
    assert [i for i, _ in pairs if i is not None] == list(range(len(one)))
    assert [j for _, j in pairs if j is not None] == list(range(len(other)))


@given(TEXTS, TEXTS, TEXTS)
def test_the_distance_is_a_metric(one: str, two: str, three: str) -> None:
    assert edit_distance(one, two) == edit_distance(two, one)
    assert (edit_distance(one, two) == 0) == (one == two)
    assert edit_distance(one, three) <= edit_distance(one, two) + edit_distance(two, three)
    assert 0.0 <= likeness(one, two) <= 1.0


def test_texts_of_one_plate_are_alike_and_of_two_are_not() -> None:
    assert are_alike("WA56660", "WA5666")
    assert are_alike("WA56660", "VA56B60")
    assert not are_alike("WA56660", "KR12345")


def test_what_is_remembered_of_comparisons_stays_small() -> None:
    tracemalloc.start()
    try:
        for number in range(2_000):
            align(f"WA{number:05}", f"{number:05}KR")
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 500_000
