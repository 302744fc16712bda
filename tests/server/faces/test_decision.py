"""Who a face is taken for: threshold, margin, several pictures, and faces that were denied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.faces.contract import Outcome
from server.faces.decision import Candidate, Rule, Vector, decide, score_of, scores_of

RULE = Rule(threshold=0.5, margin=0.1)
FACE = np.array([1, 0, 0], np.float32)


def at(cosine: float, *, side: float = 1.0) -> Vector:
    """A vector with that cosine to FACE; `side` says on which side of it."""
    return np.array([cosine, side * np.sqrt(1 - cosine**2), 0], np.float32)


def person(class_id: int, *cosines: float, denied: Sequence[float] = ()) -> Candidate:
    return Candidate(
        class_id=class_id,
        vectors=np.stack([at(each) for each in cosines]),
        negatives=np.stack([at(each, side=-1) for each in denied])
        if denied
        else np.empty((0, 3), np.float32),
    )


def test_the_most_alike_person_is_known() -> None:
    decision = decide(FACE, [person(1, 0.2), person(2, 0.8)], RULE)
    assert (decision.outcome, decision.class_id) == (Outcome.KNOWN, 2)
    assert [one.class_id for one in decision.scores] == [2, 1]


def test_below_the_threshold_nobody_is_known() -> None:
    decision = decide(FACE, [person(1, 0.49)], RULE)
    assert (decision.outcome, decision.class_id) == (Outcome.UNKNOWN, None)
    assert "0.490, expected at least 0.500" in decision.reason


def test_two_people_about_as_alike_are_not_told_apart() -> None:
    decision = decide(FACE, [person(1, 0.80), person(2, 0.75)], RULE)
    assert (decision.outcome, decision.class_id) == (Outcome.AMBIGUOUS, None)
    assert decide(FACE, [person(1, 0.80), person(2, 0.69)], RULE).class_id == 1


def test_two_pictures_of_one_person_do_not_compete() -> None:
    assert decide(FACE, [person(1, 0.80, 0.79)], RULE).class_id == 1


def test_nobody_enrolled_is_told_as_such() -> None:
    decision = decide(FACE, [], RULE)
    assert decision.outcome is Outcome.UNKNOWN
    assert "nobody is enrolled" in decision.reason


def test_pictures_whose_noise_averages_out_count_together() -> None:
    for pictures in ([at(0.6, side=1), at(0.6, side=-1)], [FACE, -FACE]):
        both = Candidate(
            class_id=1, vectors=np.stack(pictures), negatives=np.empty((0, 3), np.float32)
        )
        assert score_of(FACE, both).score == pytest.approx(1.0)


def test_each_person_is_scored_by_their_own_pictures_alone() -> None:
    people = [person(1, 0.2, 0.9, 0.1), person(2, 0.3), person(3, 0.6, 0.4, denied=[0.7])]
    together, others = scores_of(np.stack([FACE, -FACE]), [people, people[:1]])
    assert others == scores_of(-FACE[np.newaxis], [people[:1]])[0]
    assert [each.class_id for each in together] == [1, 2, 3]
    for alone, each in zip(people, together, strict=True):
        assert each.score == pytest.approx(score_of(FACE, alone).score)
        assert each.is_denied == score_of(FACE, alone).is_denied


def test_a_face_that_was_denied_is_not_that_person_again() -> None:
    decision = decide(FACE, [person(1, 0.8, denied=[0.95]), person(2, 0.6)], RULE)
    assert decision.class_id == 2
    assert [(one.class_id, one.is_denied) for one in decision.scores] == [(2, False), (1, True)]


def test_a_denial_that_leaves_nobody_is_the_reason() -> None:
    people = [person(1, 0.8, denied=[0.95]), person(2, 0.1)]
    reason = decide(FACE, people, RULE).reason
    assert reason.startswith(
        "it or a face like it was said not to be whom it resembles most (0.800)"
    )
    assert "the best likeness besides is 0.100, expected at least" in reason
    assert decide(FACE, people[1:], RULE).reason.startswith("the best likeness is 0.100")


def test_a_face_nearer_to_the_person_than_to_what_was_denied_stays_theirs() -> None:
    assert decide(FACE, [person(1, 0.8, denied=[0.3])], RULE).class_id == 1


def test_a_face_nearer_to_what_was_denied_is_nobody() -> None:
    decision = decide(FACE, [person(1, 0.6, denied=[0.7])], RULE)
    assert decision.outcome is Outcome.UNKNOWN
    assert "was said not to be" in decision.reason


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=6), st.data())
def test_the_order_of_people_changes_nothing(cosines: list[float], data: st.DataObject) -> None:
    people = [person(number, cosine) for number, cosine in enumerate(cosines)]
    shuffled = data.draw(st.permutations(people))
    assert decide(FACE, people, RULE) == decide(FACE, shuffled, RULE)


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=6))
def test_a_score_is_never_below_the_best_picture(cosines: list[float]) -> None:
    assert score_of(FACE, person(1, *cosines)).score >= max(at(c)[0] for c in cosines) - 1e-6
