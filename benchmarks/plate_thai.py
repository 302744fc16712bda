"""Thai plates as the synthetic source draws them: how often their digits are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track

from agent.camera.synthetic.bodies import End
from agent.camera.synthetic.platework import plate_texture
from agent.camera.synthetic.registration import Region, registration
from benchmarks.plate_reliability import on_paint
from benchmarks.plate_scores import Rate, rate
from vision.reading import PlateReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ThaiDigits:
    """Of the drawn plates: number read rightly, read wrongly (marked partial), and taken for a
    plate of another country."""

    right: Rate
    wrong: Rate
    foreign: Rate


def thai_digits(reader: PlateReader, count: int, *, seed: int) -> ThaiDigits:
    """With a reader that knows no Thai letter; the plates are 60 to 170 px wide, askew, soft and
    noisy."""
    right = wrong = foreign = 0
    for number in track(range(count), description="Thai", console=Console(stderr=True)):
        rng = np.random.default_rng([seed, number, 4])
        plate = registration(seed=seed, number=number, regions=(Region.TH,))
        picture = on_paint(plate_texture(plate, End.FRONT, rng), rng, least_width_px=60)
        plates = reader.read(picture).plates
        partial = {found.text for found in plates if found.is_partial}
        is_right = plate.printed.split()[-1] in partial
        right += is_right
        wrong += bool(partial) and not is_right
        foreign += any(not found.is_partial for found in plates)
    return ThaiDigits(
        right=rate(right, count), wrong=rate(wrong, count), foreign=rate(foreign, count)
    )
