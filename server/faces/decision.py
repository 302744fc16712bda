"""Decides whether a face is that of an enrolled person. Pure: vectors in, an answer out.

A face is a person's where its score reaches the threshold *and* is clearly better than that of the
second-best person, and where it is not closer to a face that was said not to be that person's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from server.faces.contract import Outcome

Vector = NDArray[np.float32]
"""Shape (n,), of length 1."""

Vectors = NDArray[np.float32]
"""Shape (how many, n), rows of length 1."""


_SHORTEST: Final = 1e-6
"""A mean of pictures that is shorter points nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`threshold` is the least score (a cosine), `margin` the least lead over the second-best."""

    threshold: float
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is held on one person, of one model: vectors of their pictures, and of those that are
    not them."""

    class_id: int
    vectors: Vectors
    negatives: Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How alike a face and a person are, -1..1; `is_denied`: it was said not to be them."""

    class_id: int
    score: float
    is_denied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`scores` are best first, those that were denied last; `reason` is in words."""

    outcome: Outcome
    scores: tuple[Score, ...]
    reason: str

    @property
    def class_id(self) -> int | None:
        """Who it is; None where that cannot be said."""
        return self.scores[0].class_id if self.outcome is Outcome.KNOWN else None


def score_of(face: Vector, candidate: Candidate) -> Score:
    """A candidate has at least one vector."""
    return scores_of(face[np.newaxis], [(candidate,)])[0][0]


def decide(face: Vector, candidates: Sequence[Candidate], rule: Rule) -> Decision:
    """Who of the candidates it is, or why that cannot be said."""
    return decide_all(face[np.newaxis], [candidates], [rule])[0]


def decide_all(
    faces: Vectors, candidates: Sequence[Sequence[Candidate]], rules: Sequence[Rule]
) -> list[Decision]:
    """Each face with its own candidates, by its own rule."""
    decisions = []
    for scores, rule in zip(scores_of(faces, candidates), rules, strict=True):
        scores.sort(key=lambda one: (one.is_denied, -one.score, one.class_id))
        decisions.append(_judged(tuple(scores), rule))
    return decisions


def scores_of(faces: Vectors, candidates: Sequence[Sequence[Candidate]]) -> list[list[Score]]:
    """Of each face and candidate: the cosine with the best of their pictures, or with the mean
    direction of all where that is closer (noise of single pictures averages out in it).

    Of many faces at once: numpy lets other threads run meanwhile, and then has to wait for them.
    """
    flat = [each for people in candidates for each in people]
    if not flat:
        return [[] for _ in candidates]
    counts = np.asarray([len(each.vectors) for each in flat])
    starts = np.cumsum(counts) - counts
    stacked = np.concatenate([each.vectors for each in flat])
    asked = np.repeat(np.arange(len(faces)), [len(people) for people in candidates])
    cosines = np.einsum("ij,ij->i", stacked, faces[np.repeat(asked, counts)])
    best = np.maximum.reduceat(cosines, starts)
    sums = np.add.reduceat(stacked, starts, axis=0)
    lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))
    mean = np.add.reduceat(cosines, starts) / np.maximum(lengths, _SHORTEST)
    found = np.where(lengths < _SHORTEST * counts, best, np.maximum(best, mean)).tolist()
    scores = iter(
        Score(
            class_id=each.class_id,
            score=score,
            is_denied=len(each.negatives) > 0
            and float(np.max(each.negatives @ faces[number])) > score,
        )
        for each, score, number in zip(flat, found, asked.tolist(), strict=True)
    )
    return [list(islice(scores, len(people))) for people in candidates]


def _judged(scores: tuple[Score, ...], rule: Rule) -> Decision:
    possible = [one for one in scores if not one.is_denied]
    if not possible:
        denied = "this face was said not to be that of anybody it resembles"
        reason = denied if scores else "nobody is enrolled whom it could be compared with"
        return Decision(outcome=Outcome.UNKNOWN, scores=scores, reason=reason)
    best = possible[0].score
    if best < rule.threshold:
        reason = f"the best likeness is {best:.3f}, expected at least {rule.threshold:.3f}"
        denied_at = max((one.score for one in scores if one.is_denied), default=best)
        if denied_at >= rule.threshold:
            reason = (
                "it or a face like it was said not to be whom it resembles most "
                f"({denied_at:.3f}), and the best likeness besides is {best:.3f}, "
                f"expected at least {rule.threshold:.3f}"
            )
        return Decision(outcome=Outcome.UNKNOWN, scores=scores, reason=reason)
    if len(possible) > 1 and best - possible[1].score < rule.margin:
        reason = (
            f"two people are about as alike ({best:.3f} and {possible[1].score:.3f}), expected "
            f"a lead of at least {rule.margin:.3f}"
        )
        return Decision(outcome=Outcome.AMBIGUOUS, scores=scores, reason=reason)
    return Decision(outcome=Outcome.KNOWN, scores=scores, reason=f"the likeness is {best:.3f}")
