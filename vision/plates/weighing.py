"""Which plate a line of text is, from one or several looks at it. Knows no picture.

Each look gives texts that the line may say, each text may fit formats at a cost. Doubt (how much
less likely the text is than the look's likeliest) and cost are added into one energy in nats; a
plate's weight is exp(-energy), averaged over the looks. Looks are combined by these weights, not by
their answers: two looks that hesitate between the same two characters settle it together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vision.plates.formats import PlateFormat
from vision.plates.grammar import COST_RARE, Fit, fits
from vision.plates.hypotheses import Hypothesis

NATS_PER_COST = 3.0
"""What one unit of the grammar's cost is worth: a swap of O and 0 (0.3) like a share of 0.41."""

MOST_ENERGY = 3.6
"""Beyond this a plate is more bent than read, in nats."""

_WORTH_A_LOOK = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One plate that the looks allow: its best fit, its energy there, its share of all weight."""

    fit: Fit
    energy: float
    share: float

    @property
    def strain(self) -> float:
        """The energy without its format's price: what speaks against the text itself, in nats."""
        price = NATS_PER_COST * COST_RARE if self.fit.format.is_rare else 0.0
        return max(0.0, self.energy - price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The plates that the looks allow, the heaviest first; `regions` shares out the first one's
    weight among the regions whose formats it fits (0..1 each, summing to 1)."""

    candidates: tuple[Candidate, ...]
    regions: tuple[tuple[str, float], ...]

    @property
    def best(self) -> Candidate:
        return self.candidates[0]


def weigh(
    looks: Sequence[Sequence[Hypothesis]], formats: Sequence[PlateFormat], *, is_guess: bool
) -> Weighed | None:
    """The plates that `looks` (each with its texts, likeliest first) allow, or None."""
    tallies = [_fitted(look, formats, is_guess=is_guess) for look in looks]
    best: dict[str, tuple[float, Fit]] = {}
    weights: dict[str, float] = {}
    for tally in tallies:
        for (text, _), (energy, fit) in tally.items():
            if text not in best or energy < best[text][0] - 1e-9:
                best[text] = (energy, fit)
        for text in {text for text, _ in tally}:
            energy = min(e for (t, _), (e, _) in tally.items() if t == text)
            weights[text] = weights.get(text, 0.0) + math.exp(-energy) / len(looks)
    total = math.fsum(weights.values())
    ordered = sorted(
        (text for text in weights if best[text][0] <= MOST_ENERGY),
        key=lambda text: (-round(weights[text], 9), best[text][0], text),
    )
    if not ordered:
        return None
    candidates = tuple(
        Candidate(fit=best[t][1], energy=best[t][0], share=weights[t] / total) for t in ordered
    )
    return Weighed(candidates=candidates, regions=_regions(ordered[0], tallies))


_Tally = dict[tuple[str, str], tuple[float, Fit]]


def _fitted(
    look: Sequence[Hypothesis], formats: Sequence[PlateFormat], *, is_guess: bool
) -> _Tally:
    """Least energy and its fit of each text in each region. Texts too far behind are not tried."""
    tally: _Tally = {}
    least = math.inf
    for hypothesis in look:
        if hypothesis.doubt > least + _WORTH_A_LOOK:
            break
        for fit in fits(hypothesis.line.characters, formats, is_guess=is_guess):
            energy = hypothesis.doubt + NATS_PER_COST * fit.cost
            key = (fit.text, fit.format.region)
            if key not in tally or energy < tally[key][0] - 1e-9:
                tally[key] = (energy, fit)
            least = min(least, energy)
    return tally


def _regions(text: str, tallies: Sequence[_Tally]) -> tuple[tuple[str, float], ...]:
    weights: dict[str, float] = {}
    for tally in tallies:
        for (other, region), (energy, _) in tally.items():
            if other == text:
                weights[region] = weights.get(region, 0.0) + math.exp(-energy)
    total = math.fsum(weights.values())
    shares = ((region, weight / total) for region, weight in weights.items())
    return tuple(sorted(shares, key=lambda pair: (-pair[1], pair[0])))
