"""What a cosine of two faces is worth, for each embedding model: threshold, margin, probability.

`calibration.toml` holds what `python -m benchmarks.face_calibration` fitted.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

import numpy as np

from server.faces.decision import Rule

CAUTIOUS: Final = Rule(threshold=0.5, margin=0.05)
"""For a model that nobody has calibrated."""

_STEPS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """Probability = 1 / (1 + exp(-(slope * cosine + intercept)))."""

    slope: float
    intercept: float

    def probability(self, cosine: float) -> float:
        power = max(-500.0, min(500.0, self.slope * cosine + self.intercept))
        return 1.0 / (1.0 + math.exp(-power))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Of one model; without `logistic` no probability can be told."""

    rule: Rule
    logistic: Logistic | None = None

    def probability(self, cosine: float) -> float | None:
        """Of the two being one person, where either was as likely beforehand; 0..1."""
        return None if self.logistic is None else self.logistic.probability(cosine)


def calibration_of(model_version: str) -> Calibration:
    """Of the model whose file's SHA-256 begins so; the cautious one where there is none."""
    return _known().get(model_version, Calibration(rule=CAUTIOUS))


@lru_cache(maxsize=1)
def _known() -> dict[str, Calibration]:
    text = resources.files("server.faces").joinpath("calibration.toml").read_text(encoding="utf-8")
    return {
        table["model_version"]: Calibration(
            rule=Rule(threshold=table["threshold"], margin=table["margin"]),
            logistic=Logistic(slope=table["slope"], intercept=table["intercept"]),
        )
        for table in tomllib.loads(text).get("model", [])
    }


def fit(cosines: Sequence[float], are_same: Sequence[bool]) -> Logistic:
    """The logistic that explains which pairs are of one person, both kinds counting alike.

    Platt 1999, "Probabilistic outputs for support vector machines": least log loss against targets
    short of 0 and 1 by the number of examples, here of the rarer kind for both, which keeps pairs
    that are told apart without fault from making it a step. Newton's method. Raises ValueError
    without both kinds.
    """
    x = np.asarray(cosines, np.float64)
    same = np.asarray(are_same, bool)
    count, others = int(same.sum()), int((~same).sum())
    if not count or not others:
        raise ValueError("pairs of one person and of two are needed to tell them apart")
    short = 1 / (min(count, others) + 2)
    target = np.where(same, 1 - short, short)
    weight = np.where(same, 0.5 / count, 0.5 / others)
    design = np.column_stack([x, np.ones_like(x)])
    values = np.zeros(2)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ values, -500, 500)))
        slope = design.T @ (weight * (chance - target))
        curve = (design * (weight * chance * (1 - chance))[:, None]).T @ design
        values -= np.linalg.solve(curve + 1e-12 * np.eye(2), slope)
        if float(np.abs(slope).max()) < 1e-10:
            break
    return Logistic(slope=float(values[0]), intercept=float(values[1]))
