"""How likely a match is, after what people said of alerts like it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from server.watchlist.contract import Verdict
from wire.plates import compact

PRIOR_WEIGHT: Final = 2.0
"""The reading counts as much as so many verdicts: the mean of a beta distribution whose prior has
this weight. Chosen so that a second false alarm halves what was certain; not measured."""


def likelihood_after(
    likelihood: float, plate: str, verdicts: Iterable[tuple[str, Verdict]]
) -> float:
    """0..1, of a plate that was read so; only alerts on the very same reading count."""
    read = compact(plate)
    said = [verdict for other, verdict in verdicts if compact(other) == read]
    real, wrong = said.count(Verdict.REAL), said.count(Verdict.FALSE_ALARM)
    if not real and not wrong:
        return likelihood
    return (PRIOR_WEIGHT * likelihood + real) / (PRIOR_WEIGHT + real + wrong)
