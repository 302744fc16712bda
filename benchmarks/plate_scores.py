"""What an answer about a plate is worth: exact, near, false; shares with their intervals."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from vision.spelling import edit_distance

_TUNE_SHARE = 0.5
_Z95 = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One picture: its true plate and what was answered, best first, each with its confidence."""

    file: str
    truth: str
    answers: tuple[str, ...]
    confidences: tuple[float, ...] = ()
    ms: float = 0.0
    stage_ms: dict[str, float] = field(default_factory=dict)

    @property
    def is_exact(self) -> bool:
        return self.truth in self.answers

    @property
    def is_exact_but_zero(self) -> bool:
        """Exact where O and 0 count as one (some labels carry an O for a 0)."""
        return zeroed(self.truth) in {zeroed(answer) for answer in self.answers}

    @property
    def is_near(self) -> bool:
        return any(edit_distance(self.truth, answer) <= 1 for answer in self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share with its 95% Wilson score interval (Wilson 1927)."""

    hits: int
    of: int
    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.share:.1%} ({self.low:.0%}-{self.high:.0%})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Milliseconds a picture."""

    mean: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of one set of pictures."""

    name: str
    exact: Rate
    exact_but_zero: Rate
    near: Rate
    answered: Rate
    right_when_answered: Rate
    right_but_zero: Rate
    false_answers: int
    ms: Times
    stages: dict[str, Times]


def rate(hits: int, of: int) -> Rate:
    """`hits / of` with its interval; an empty set gives 0 in 0..1."""
    if of == 0:
        return Rate(hits=0, of=0, share=0.0, low=0.0, high=1.0)
    share = hits / of
    spread = _Z95**2 / of
    center = (share + spread / 2) / (1 + spread)
    reach = _Z95 / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    low, high = max(0.0, center - reach), min(1.0, center + reach)
    return Rate(hits=hits, of=of, share=share, low=min(low, share), high=max(high, share))


def zeroed(text: str) -> str:
    return text.replace("O", "0")


def times(values: Sequence[float]) -> Times:
    ordered = sorted(values)
    if not ordered:
        return Times(mean=0.0, p50=0.0, p95=0.0)
    return Times(
        mean=statistics.fmean(ordered),
        p50=ordered[len(ordered) // 2],
        p95=ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
    )


def summary(name: str, outcomes: Sequence[Outcome]) -> Summary:
    answered = [outcome for outcome in outcomes if outcome.answers]
    exact = sum(outcome.is_exact for outcome in outcomes)
    exact_but_zero = sum(outcome.is_exact_but_zero for outcome in outcomes)
    stages = dict.fromkeys(stage for outcome in outcomes for stage in outcome.stage_ms)
    return Summary(
        name=name,
        exact=rate(exact, len(outcomes)),
        exact_but_zero=rate(exact_but_zero, len(outcomes)),
        near=rate(sum(outcome.is_near for outcome in outcomes), len(outcomes)),
        answered=rate(len(answered), len(outcomes)),
        right_when_answered=rate(exact, len(answered)),
        right_but_zero=rate(exact_but_zero, len(answered)),
        false_answers=sum(
            zeroed(answer) != zeroed(outcome.truth)
            for outcome in outcomes
            for answer in outcome.answers
        ),
        ms=times([outcome.ms for outcome in outcomes]),
        stages={stage: times([o.stage_ms.get(stage, 0.0) for o in outcomes]) for stage in stages},
    )


def is_for_tuning(file: str) -> bool:
    """Half of the pictures, by the sha256 of their name: the same ones on every machine."""
    return hashlib.sha256(file.encode()).digest()[0] < 256 * _TUNE_SHARE


def summaries(name: str, outcomes: Sequence[Outcome]) -> list[Summary]:
    """The half to check with first, then the half that was tuned on, then both together."""
    check = [outcome for outcome in outcomes if not is_for_tuning(outcome.file)]
    tune = [outcome for outcome in outcomes if is_for_tuning(outcome.file)]
    parts = ((f"{name} check", check), (f"{name} tune", tune), (f"{name} all", outcomes))
    return [summary(label, part) for label, part in parts if part]
