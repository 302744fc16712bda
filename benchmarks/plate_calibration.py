"""Fits `vision/plates/calibration.toml`: `python -m benchmarks.plate_calibration FOLDER`.

On the half of the photographs that is for tuning, on degraded copies of it and on drawn plates.
Prints the file; nothing is written.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.plate_photographs import photographs
from benchmarks.plate_reliability import degraded, drawn_plates
from benchmarks.plate_scores import is_for_tuning, zeroed
from benchmarks.plates import DEFAULT_FOLDER
from vision.plates.confidence import measures
from vision.plates.reader import EmbeddedPlateReader
from vision.plates.weighing import Candidate
from vision.reading import Picture

_STEPS = 60
_PRIOR = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What the looks at a line left open, and whether its likeliest text was right."""

    measures: tuple[float, float, float]
    is_right: bool


class Recorder:
    """Takes every candidate for certain and notes it."""

    def __init__(self) -> None:
        self.seen: list[Candidate] = []

    def probability(self, candidate: Candidate) -> float:
        self.seen.append(candidate)
        return 1.0


def examples(
    reader: EmbeddedPlateReader, recorder: Recorder, picture: Picture, truth: str
) -> list[Example]:
    """Of each candidate that the reader weighed in a picture."""
    recorder.seen.clear()
    reader.read(picture)
    return [
        Example(measures=measures(c), is_right=zeroed(c.fit.text) == zeroed(truth))
        for c in recorder.seen
    ]


def fitted(found: Sequence[Example]) -> NDArray[np.float64]:
    """Constant, share, least and energy by penalised maximum likelihood (Newton's method).

    A normal prior of variance 2 keeps the weights finite; signs that the measures cannot have are
    set to zero and the rest is fitted again, so that the result is monotone.
    """
    inputs = np.array([(1.0, *example.measures) for example in found])
    right = np.array([example.is_right for example in found], dtype=np.float64)
    free = [0, 1, 2, 3]
    while True:
        weights = np.zeros(4)
        weights[free] = _newton(inputs[:, free], right)
        wrong = [at for at in free if at and weights[at] * (-1 if at == 3 else 1) < 0]
        if not wrong:
            return weights
        free = [at for at in free if at not in wrong]


def _newton(inputs: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        odds = np.clip(inputs @ weights, -30, 30)
        chance = 1.0 / (1.0 + np.exp(-odds))
        gradient = inputs.T @ (right - chance) - _PRIOR * weights
        curvature = (inputs.T * (chance * (1 - chance))) @ inputs
        weights += np.linalg.solve(curvature + _PRIOR * np.eye(len(weights)), gradient)
    return weights


def log_loss(found: Sequence[Example], weights: NDArray[np.float64]) -> float:
    """Mean negative log likelihood in nats."""
    total = 0.0
    for example in found:
        odds = float(weights @ np.array((1.0, *example.measures)))
        total += math.log1p(math.exp(-odds if example.is_right else odds))
    return total / max(1, len(found))


def collected(folder: Path, *, copies: int, drawn: int, threads: int) -> list[Example]:
    """Examples with the region known and guessed."""
    recorder = Recorder()
    known: tuple[tuple[str, ...], ...] = (("eu",), ("us",), ("br",), ())
    readers = {
        regions: EmbeddedPlateReader(regions=regions, threads=threads, certainty=recorder)
        for regions in known
    }
    found: list[Example] = []
    shown = [
        (path.parent.name, photograph)
        for path in sorted(folder.rglob("truth.csv"))
        for photograph in photographs(path.parent)
        if is_for_tuning(photograph.path.name)
    ]
    for region, photograph in track(shown, description="photographs", console=_stderr()):
        rng = np.random.default_rng(int.from_bytes(photograph.path.name.encode()[-8:], "little"))
        worse = [picture for _, picture in degraded(photograph, rng)]
        chosen = [worse[int(i)] for i in rng.permutation(len(worse))[:copies]]
        for regions in ((region,), ()):
            for picture in (photograph.picture(), *chosen):
                found += examples(readers[regions], recorder, picture, photograph.plate)
    for region, text, picture in track(
        list(drawn_plates(drawn, seed=7)), description="drawn", console=_stderr()
    ):
        for regions in ((region,), ()):
            found += examples(readers[regions], recorder, picture, text)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.plate_calibration", description=__doc__
    )
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--copies", type=int, default=2, help="degraded copies of each photograph")
    parser.add_argument("--drawn", type=int, default=120, help="drawn plates")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    found = collected(
        options.folder, copies=options.copies, drawn=options.drawn, threads=options.threads
    )
    weights = fitted(found)
    right = sum(example.is_right for example in found)
    print("# Weights of vision.plates.confidence. Fitted by benchmarks.plate_calibration on")
    print(f"# {len(found)} candidates, {right} of them right: the tuning half of the photographs,")
    print(
        f"# {options.copies} degraded copies of each, {options.drawn} drawn plates, each with its"
    )
    print(f"# region known and guessed. Log loss {log_loss(found, weights):.3f} nats.\n")
    print("[weights]")
    for name, weight in zip(("constant", "share", "least", "energy"), weights, strict=True):
        print(f"{name} = {weight:.3f}")


def _stderr() -> Console:
    return Console(stderr=True)


if __name__ == "__main__":
    main()
