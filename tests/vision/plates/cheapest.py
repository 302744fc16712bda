"""The fit that tests of texts and formats ask for: the one with the least corrections."""

from __future__ import annotations

from collections.abc import Sequence

from vision.plates.formats import PlateFormat
from vision.plates.grammar import Fit, fits
from vision.reading import CharacterReading


def cheapest_fit(
    characters: Sequence[CharacterReading],
    formats: Sequence[PlateFormat],
    *,
    is_guess: bool = False,
) -> Fit | None:
    """Earlier formats first where two cost the same; None where nothing fits."""
    found = fits(characters, formats, is_guess=is_guess)
    return min(found, key=lambda fit: round(fit.cost, 9), default=None)
