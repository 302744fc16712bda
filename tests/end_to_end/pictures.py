"""Still pictures with one readable plate each, drawn with the synthetic source's own plates."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from agent.camera.synthetic.bodies import End
from agent.camera.synthetic.platework import plate_texture
from agent.camera.synthetic.registration import Region, registration

PLATE_WIDTH = 200


def write_plate_pictures(folder: Path, count: int, *, seed: int = 5) -> list[str]:
    """Writes `plate-NNN.png` files and returns the texts of their plates."""
    texts = []
    for number in range(count):
        made = registration(seed=seed, number=number, regions=(Region.DE, Region.FR, Region.ES))
        rng = np.random.default_rng(seed + number)
        plate = plate_texture(made, End.REAR, rng)
        height = round(plate.shape[0] * PLATE_WIDTH / plate.shape[1])
        plate = cv2.resize(plate, (PLATE_WIDTH, height), interpolation=cv2.INTER_AREA)
        picture = np.full((480, 640, 3), 70, np.uint8)
        cv2.rectangle(picture, (120, 80), (520, 420), (90, 60, 50), -1)
        top, left = 300, 220
        picture[top : top + height, left : left + PLATE_WIDTH] = plate
        noise = rng.integers(-6, 7, picture.shape)
        noisy = np.clip(picture.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"plate-{number:03d}.png"), noisy)
        texts.append(made.text)
    return texts
