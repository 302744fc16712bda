"""One who comes back soon is on the same visit; another person never is."""

from __future__ import annotations

import numpy as np
import pytest

from agent.pipeline.visits import VisitBook, VisitSettings
from vision.geometry import Box

HERE, THERE = Box.from_xywh(10, 10, 50, 50), Box.from_xywh(300, 10, 50, 50)


def person(*numbers: float) -> np.ndarray:
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


ANNA, ANNA_LATER, BERT = person(1, 0, 0), person(1, 0.5, 0), person(0, 0, 1)


def test_same_person_back_in_time_is_the_same_visit() -> None:
    book = VisitBook(VisitSettings(gap_s=60))
    first, is_new = book.visit_of(0, 10, HERE, ANNA)
    assert is_new
    again, is_new = book.visit_of(40, 50, THERE, ANNA_LATER)
    assert not is_new
    assert again is first
    assert first.last_seen_s == 50
    assert not book.visit_of(105, 110, HERE, ANNA)[1]  # 55 s after the second stay
    assert book.visit_of(171, 180, HERE, ANNA)[1]


def test_another_person_at_the_same_place_is_a_new_visit() -> None:
    book = VisitBook(VisitSettings())
    assert book.visit_of(0, 10, HERE, ANNA)[1]
    assert book.visit_of(11, 20, HERE, BERT)[1]
    assert not book.visit_of(21, 22, HERE, ANNA)[1]


@pytest.mark.parametrize(
    ("first_seen_s", "box", "is_new"),
    [(14, HERE, False), (14, THERE, True), (16, HERE, True)],
)
def test_without_embeddings_place_and_time_decide(
    first_seen_s: float, box: Box, is_new: bool
) -> None:
    book = VisitBook(VisitSettings(same_place_s=5))
    assert book.visit_of(0, 10, HERE, None)[1]
    assert book.visit_of(first_seen_s, 20, box, None)[1] is is_new


def test_two_who_were_in_view_at_once_are_two() -> None:
    book = VisitBook(VisitSettings())
    assert book.visit_of(0, 10, HERE, ANNA)[1]
    assert book.visit_of(5, 12, THERE, ANNA_LATER)[1]


def test_only_the_latest_are_remembered() -> None:
    book = VisitBook(VisitSettings(max_visits=2, gap_s=1000))
    for number in range(3):
        vector = np.eye(3, dtype=np.float32)[number]
        assert book.visit_of(number * 10, number * 10 + 1, HERE, vector)[1]
    assert book.visit_of(40, 41, HERE, ANNA)[1]


def test_a_new_beginning_forgets() -> None:
    book = VisitBook(VisitSettings())
    book.visit_of(0, 10, HERE, ANNA)
    book.forget()
    assert book.visit_of(11, 12, HERE, ANNA)[1]
