"""Photographs with known plates, as folders with a `truth.csv`: file, x, y, w, h, plate."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.plate_scores import Outcome
from vision.geometry import Box
from vision.pictures import load_picture
from vision.reading import Picture, PlateReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """A file, where its plate is in it (pixels) and what it says."""

    path: Path
    box: Box
    plate: str

    def picture(self) -> Picture:
        return load_picture(self.path)

    def crop(self, margin: float) -> Picture:
        """The plate alone, with `margin` of its own width and height on each side."""
        picture = self.picture()
        height, width = picture.shape[:2]
        box = self.box.grown(self.box.width * margin, self.box.height * margin)
        box = box.clipped(width, height)
        part = picture[int(box.y1) : int(np.ceil(box.y2)), int(box.x1) : int(np.ceil(box.x2))]
        return np.ascontiguousarray(part)


def photographs(folder: Path) -> list[Photograph]:
    """Those that the folder's `truth.csv` names, in its order."""
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        return [
            Photograph(
                path=folder / row["file"],
                box=Box.from_xywh(*(float(row[key]) for key in ("x", "y", "w", "h"))),
                plate=row["plate"],
            )
            for row in csv.DictReader(file)
        ]


def measure(
    shown: Sequence[Photograph],
    reader: PlateReader,
    *,
    label: str,
    margin: float | None = None,
) -> list[Outcome]:
    """Read every photograph, or (with a margin) only its plate; a progress bar on stderr."""
    outcomes = []
    for one in track(shown, description=label, console=Console(stderr=True)):
        picture = one.picture() if margin is None else one.crop(margin)
        outcomes.append(read_one(reader, picture, file=one.path.name, truth=one.plate))
    return outcomes


def read_one(reader: PlateReader, picture: Picture, *, file: str, truth: str) -> Outcome:
    started = time.perf_counter()
    readings = reader.read(picture)
    return Outcome(
        file=file,
        truth=truth,
        answers=tuple(plate.text for plate in readings.plates),
        confidences=tuple(plate.confidence for plate in readings.plates),
        ms=(time.perf_counter() - started) * 1000,
        stage_ms=readings.stage_ms,
    )
