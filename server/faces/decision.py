"""Decides whether a face is that of an enrolled person. Pure: vectors in, an answer out.

A face is a person's where its score reaches the threshold *and* is clearly better than that of the
second-best person, and where it is not closer to a face that was said not to be that person's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.faces.contract import Outcome

Vector = NDArray[np.float32]
"""Shape (n,), of length 1."""

Vectors = NDArray[np.float32]
"""Shape (how many, n), rows of length 1."""


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


def combined(face: Vector, vectors: Vectors) -> float:
    """The score of a face against several pictures of a person: with the best of them, or with
    their mean direction where that is closer (noise of single pictures averages out in it)."""
    best = float(np.max(vectors @ face))
    mean = vectors.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        return best
    return max(best, float(mean @ face) / length)


def score_of(face: Vector, candidate: Candidate) -> Score:
    """A candidate has at least one vector."""
    score = combined(face, candidate.vectors)
    closest = float(np.max(candidate.negatives @ face)) if len(candidate.negatives) else -1.0
    return Score(class_id=candidate.class_id, score=score, is_denied=closest > score)


def decide(face: Vector, candidates: Sequence[Candidate], rule: Rule) -> Decision:
    """Who of the candidates it is, or why that cannot be said."""
    scores = [score_of(face, candidate) for candidate in candidates]
    scores.sort(key=lambda one: (one.is_denied, -one.score, one.class_id))
    return _judged(tuple(scores), rule)


def _judged(scores: tuple[Score, ...], rule: Rule) -> Decision:
    possible = [one for one in scores if not one.is_denied]
    if not possible:
        denied = "this face was said not to be that of anybody it resembles"
        reason = denied if scores else "nobody is enrolled whom it could be compared with"
        return Decision(outcome=Outcome.UNKNOWN, scores=scores, reason=reason)
    best = possible[0].score
    if best < rule.threshold:
        reason = f"the best likeness is {best:.3f}, expected at least {rule.threshold:.3f}"
        return Decision(outcome=Outcome.UNKNOWN, scores=scores, reason=reason)
    if len(possible) > 1 and best - possible[1].score < rule.margin:
        reason = (
            f"two people are about as alike ({best:.3f} and {possible[1].score:.3f}), expected "
            f"a lead of at least {rule.margin:.3f}"
        )
        return Decision(outcome=Outcome.AMBIGUOUS, scores=scores, reason=reason)
    return Decision(outcome=Outcome.KNOWN, scores=scores, reason=f"the likeness is {best:.3f}")
