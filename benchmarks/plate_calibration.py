"""Fits `vision/plates/calibration.toml`: `python -m benchmarks.plate_calibration FOLDER`.

On the half of the photographs that is for tuning, on degraded copies of it, on drawn plates, and on
the half of the drawn boards that is for tuning. Prints the file; nothing is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.plate_boards import BOARDS_FOR_A_PLATE, boards, drawn_board
from benchmarks.plate_photographs import photographs
from benchmarks.plate_reliability import degraded, drawn_plates
from benchmarks.plate_scores import is_for_tuning, zeroed
from benchmarks.plates import DEFAULT_FOLDER
from vision.geometry import Box
from vision.plates.confidence import plate_measures, text_measures
from vision.plates.reader import EmbeddedPlateReader
from vision.plates.surroundings import Ground
from vision.plates.weighing import Candidate
from vision.reading import Picture
from vision.spelling import edit_distance

_STEPS = 60
_PRIOR = 0.5
_TEXT_SIGNS = (0, 1, 1, -1)
_PLATE_SIGNS = (0, 1, 1, -1, -1)

_HEAD = f"""\
# Weights of vision.plates.confidence. Fitted by benchmarks.plate_calibration on the
# tuning half of the photographs and, for the text, {{copies}} degraded copies of each
# and {{drawn}} drawn plates: {{plates}} candidates of plates, {{right}} of them right, each
# with its region known and guessed; for the plate, on the tuning half of the drawn boards,
# of which {BOARDS_FOR_A_PLATE} count for each photograph.
"""

Regions = tuple[str, ...]
Weights = NDArray[np.float64]

KNOWN: tuple[Regions, ...] = (("eu",), ("us",), ("br",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A candidate's measures (the constant's 1 first), and what it was. `weight` is the share of a
    picture that it stands for; `is_made`: of a drawn plate or a copy made worse, whose ground tells
    nothing of real ones."""

    text: tuple[float, ...]
    plate: tuple[float, ...]
    is_plate: bool
    is_right: bool
    weight: float = 1.0
    is_made: bool = False


class Recorder:
    """Takes every candidate for certain and notes it."""

    def __init__(self) -> None:
        self.seen: list[tuple[tuple[float, ...], tuple[float, ...], str]] = []

    def of_text(self, candidate: Candidate) -> float:  # noqa: ARG002 - all are certain
        return 1.0

    def of_plate(self, candidate: Candidate, ground: Ground | None, *, is_guess: bool) -> float:
        text = (1.0, *text_measures(candidate))
        plate = (1.0, *plate_measures(candidate, ground, is_guess=is_guess))
        self.seen.append((text, plate, candidate.fit.text))
        return 1.0


class Laboratory:
    """Readers that note what they weigh, one for each region and one that guesses."""

    def __init__(self, threads: int) -> None:
        self._recorder = Recorder()
        self._readers = {
            regions: EmbeddedPlateReader(regions=regions, threads=threads, certainty=self._recorder)
            for regions in (*KNOWN, ())
        }

    def plates(
        self, regions: Regions, picture: Picture, truth: str, *, is_made: bool = False
    ) -> Iterator[Example]:
        """Of each candidate in a picture of a plate; what is nothing like its text is no plate."""
        self._recorder.seen.clear()
        self._readers[regions].read(picture)
        for text, plate, read in self._recorder.seen:
            edits = edit_distance(zeroed(read), zeroed(truth))
            is_plate = edits <= len(truth) // 2
            yield Example(
                text=text,
                plate=plate,
                is_plate=is_plate,
                is_right=edits == 0,
                is_made=is_made,
            )

    def board(self, regions: Regions, picture: Picture, weight: float) -> Iterator[Example]:
        """Of each candidate in a picture without a plate, looked at once."""
        height, width = picture.shape[:2]
        self._recorder.seen.clear()
        self._readers[regions].read(picture, within=Box(x1=0, y1=0, x2=width, y2=height))
        for text, plate, _ in self._recorder.seen:
            yield Example(text=text, plate=plate, is_plate=False, is_right=False, weight=weight)


def fitted(
    inputs: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    signs: Sequence[int],
) -> Weights:
    """Coefficients by penalised maximum likelihood (Newton's method).

    A normal prior of variance 2 keeps them finite; one with another sign than its own in `signs`
    (0: any) is set to zero and the rest is fitted again, so that the result is monotone.
    """
    free = list(range(inputs.shape[1]))
    while True:
        found = np.zeros(inputs.shape[1])
        found[free] = _newton(inputs[:, free], targets, weights)
        wrong = [at for at in free if signs[at] and found[at] * signs[at] < 0]
        if not wrong:
            return found
        free = [at for at in free if at not in wrong]


def _newton(
    inputs: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]
) -> Weights:
    found = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(inputs @ found, -30, 30)))
        gradient = inputs.T @ (weights * (targets - chance)) - _PRIOR * found
        curvature = (inputs.T * (weights * chance * (1 - chance))) @ inputs
        found += np.linalg.solve(curvature + _PRIOR * np.eye(len(found)), gradient)
    return found


def log_loss(
    inputs: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    found: Weights,
) -> float:
    """Mean negative log likelihood in nats."""
    odds = inputs @ found
    losses = np.log1p(np.exp(np.where(targets > 0, -odds, odds)))
    return float((weights * losses).sum() / max(1e-9, weights.sum()))


def collected(folder: Path, *, copies: int, drawn: int, threads: int) -> list[Example]:
    """Examples with the region known and guessed; `BOARDS_FOR_A_PLATE` pictures of boards for
    each of a plate."""
    laboratory = Laboratory(threads)
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
            for number, picture in enumerate((photograph.picture(), *chosen)):
                found += laboratory.plates(regions, picture, photograph.plate, is_made=number > 0)
    for region, text, picture in track(
        list(drawn_plates(drawn, seed=7)), description="drawn", console=_stderr()
    ):
        for regions in ((region,), ()):
            found += laboratory.plates(regions, picture, text, is_made=True)
    without = [board for board in boards() if is_for_tuning(board.text)]
    weight = BOARDS_FOR_A_PLATE * len(shown) / max(1, len(without))
    for board in track(without, description="boards", console=_stderr()):
        picture = drawn_board(board)
        found += laboratory.board((), picture, weight)
        for known in KNOWN:
            found += laboratory.board(known, picture, weight / len(KNOWN))
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
    plates = [example for example in found if example.is_plate]
    right = sum(example.is_right for example in plates)
    print(_HEAD.format(right=right, plates=len(plates), **vars(options)))
    _print_text(plates)
    _print_plate([example for example in found if not example.is_made])


def _print_text(plates: Sequence[Example]) -> None:
    inputs = np.array([example.text for example in plates])
    targets = np.array([float(example.is_right) for example in plates])
    _print(
        "text",
        ("constant", "share", "least", "strain"),
        inputs,
        targets,
        np.ones(len(plates)),
        _TEXT_SIGNS,
    )


def _print_plate(found: Sequence[Example]) -> None:
    """On photographs and boards: drawn plates stand on paint that nobody drives, and copies made
    worse on the ground of their originals."""
    names = ("constant", "across", "along", "dark", "strain")
    inputs = np.array([example.plate for example in found])
    targets = np.array([float(example.is_plate) for example in found])
    weights = np.array([example.weight for example in found])
    _print("plate", names, inputs, targets, weights, _PLATE_SIGNS)


def _print(
    title: str,
    names: Sequence[str],
    inputs: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    signs: Sequence[int],
) -> None:
    found = fitted(inputs, targets, weights, signs)
    loss = log_loss(inputs, targets, weights, found)
    print(f"# Log loss {loss:.3f} nats.\n[{title}]")
    for name, weight in zip(names, found, strict=True):
        print(f"{name} = {weight:.3f}")
    print()


def _stderr() -> Console:
    return Console(stderr=True)


if __name__ == "__main__":
    main()
