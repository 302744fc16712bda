"""Whether a confidence means what it says: answers sorted by it, and how many of them are right.

On photographs, on degraded copies of them and on drawn plates, of which there can be many.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from agent.camera.synthetic.bodies import End
from agent.camera.synthetic.platework import plate_texture
from agent.camera.synthetic.registration import Region, registration
from benchmarks.plate_photographs import Photograph
from benchmarks.plate_scores import Outcome, Rate, rate, zeroed
from vision.reading import Picture

EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
"""Borders of the rows of the table."""

BOARDS_KIND, DRAWN_KIND = "boards", "drawn"
"""The kinds of picture that are no photographs, nor made of them."""

_SURROUNDINGS = 1.5
_LEAST_PLATE_PX = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Answers whose confidence lies in `low` to `high`: the mean of it, and how many are right."""

    low: float
    high: float
    said: float
    right: Rate


def reliability(outcomes: Sequence[Outcome]) -> list[Bin]:
    """One row for each range that has answers. Right: the true plate, O and 0 alike."""
    pairs = [
        (confidence, zeroed(answer) == zeroed(outcome.truth))
        for outcome in outcomes
        for answer, confidence in zip(outcome.answers, outcome.confidences, strict=True)
    ]
    rows = []
    for low, high in itertools.pairwise(EDGES):
        inside = [(c, ok) for c, ok in pairs if low <= c < high or c == high == EDGES[-1]]
        if inside:
            said = sum(c for c, _ in inside) / len(inside)
            right = rate(sum(ok for _, ok in inside), len(inside))
            rows.append(Bin(low=low, high=high, said=said, right=right))
    return rows


class Shown(NamedTuple):
    """A picture that was read: what kind it is of, and whether its region was guessed."""

    kind: str
    is_guess: bool
    outcome: Outcome


def parts(seen: Sequence[Shown]) -> dict[str, list[Outcome]]:
    """Tables to print, by name: the plates, those with their region known and guessed, photographs
    and copies among boards, and each kind alone. Empty ones are left out."""
    plates = [one for one in seen if one.kind != BOARDS_KIND]
    tables = {
        "plates": plates,
        "plates, region known": [one for one in plates if not one.is_guess],
        "plates, region guessed": [one for one in plates if one.is_guess],
        "photographs, copies and boards": [one for one in seen if one.kind != DRAWN_KIND],
    }
    for kind in dict.fromkeys(one.kind for one in seen):
        tables[kind] = [one for one in seen if one.kind == kind]
    return {name: [one.outcome for one in shown] for name, shown in tables.items() if shown}


def degraded(photograph: Photograph, rng: np.random.Generator) -> Iterator[tuple[str, Picture]]:
    """The plate with its surroundings, made worse in each of five ways by a random amount."""
    picture = photograph.crop(_SURROUNDINGS)
    width = photograph.box.width
    for name, worsen in DEGRADATIONS.items():
        yield name, worsen(picture, width, rng)


def _blurred(picture: Picture, width: float, rng: np.random.Generator) -> Picture:
    sigma = width * float(rng.uniform(0.008, 0.03))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(0.3, sigma)), np.uint8)


def _noisy(picture: Picture, _width: float, rng: np.random.Generator) -> Picture:
    noise = rng.normal(0.0, rng.uniform(8, 35), picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def _dark(picture: Picture, _width: float, rng: np.random.Generator) -> Picture:
    light = float(rng.uniform(0.06, 0.3))
    electrons = rng.poisson(picture.astype(np.float64) * light * 2) / 2
    return np.clip(electrons + rng.normal(0, 1.5, picture.shape), 0, 255).astype(np.uint8)


def _compressed(picture: Picture, _width: float, rng: np.random.Generator) -> Picture:
    quality = int(rng.integers(6, 30))
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _small(picture: Picture, width: float, rng: np.random.Generator) -> Picture:
    wanted = min(width, float(rng.uniform(_LEAST_PLATE_PX, 60)))
    ratio = wanted / width
    size = (max(8, round(picture.shape[1] * ratio)), max(8, round(picture.shape[0] * ratio)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


DEGRADATIONS: dict[str, Callable[[Picture, float, np.random.Generator], Picture]] = {
    "blur": _blurred,
    "noise": _noisy,
    "darkness": _dark,
    "jpeg": _compressed,
    "downscale": _small,
}
"""Way -> function of picture, plate's width in it and random generator."""


def drawn_plates(count: int, *, seed: int) -> Iterator[tuple[str, str, Picture]]:
    """Region, text and picture of plates drawn as in the synthetic source, askew on grey paint,
    35 to 170 px wide, more or less sharp and noisy."""
    for number in range(count):
        rng = np.random.default_rng([seed, number, 3])
        region = tuple(_LATIN)[number % len(_LATIN)]
        plate = registration(seed=seed, number=number, regions=(region,))
        texture = plate_texture(plate, End.FRONT, rng)
        yield _LATIN[region], plate.text, on_paint(texture, rng)


_LATIN = {
    Region.DE: "eu", Region.FR: "eu", Region.IT: "eu", Region.PL: "eu", Region.ES: "eu",
    Region.GB: "eu", Region.US: "us", Region.BR: "br",
}  # fmt: skip


def on_paint(texture: Picture, rng: np.random.Generator, *, least_width_px: float = 35) -> Picture:
    """A plate of up to 170 px in width on a picture of one colour, 640x480."""
    rows, columns = texture.shape[:2]
    width = float(rng.uniform(least_width_px, 170))
    height = width * rows / columns
    left, top = 240 + rng.uniform(-60, 60), 180 + rng.uniform(-40, 40)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    corners += np.array([left, top])
    slope = rng.uniform(-0.2, 0.2)
    corners[:, 1] += (corners[:, 0] - left) * slope
    corners += rng.normal(0, 0.02, corners.shape) * height
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    shrink = min(1.0, 1.5 * width / columns)
    size = (max(2, round(columns * shrink)), max(2, round(rows * shrink)))
    small = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
    source *= np.array([size[0] / columns, size[1] / rows], np.float32)
    turn = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    picture = np.full((480, 640, 3), rng.uniform(20, 200, 3), np.uint8)
    cv2.warpPerspective(small, turn, (640, 480), dst=picture, borderMode=cv2.BORDER_TRANSPARENT)
    soft = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 0.3 + width * 0.012)))
    noise = rng.normal(0, rng.uniform(1, 12), soft.shape)
    return np.asarray(np.clip(soft * rng.uniform(0.4, 1.05) + noise, 0, 255), np.uint8)
