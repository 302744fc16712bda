"""Turns a network's class probabilities over time into characters. Knows no picture.

Connectionist temporal classification, Graves et al. 2006: the best class of every step, equal
neighbours merged, blanks dropped ("best path decoding", section 3.2).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.reading import CharacterReading

BLANK = 0
"""Index of the class that stands for no character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLine:
    """A line as read: its characters, and the step (0..1 of the crop's width) of each."""

    characters: tuple[CharacterReading, ...]
    positions: tuple[float, ...]

    @property
    def text(self) -> str:
        return "".join(character.text for character in self.characters)


def spans(probabilities: NDArray[np.float32]) -> Iterator[tuple[int, int, int]]:
    """Start, stop and class of each run of steps with one best class, blanks included."""
    if len(probabilities) == 0:
        return
    best = probabilities.argmax(axis=1)
    edges = [0, *(np.flatnonzero(np.diff(best)) + 1), len(best)]
    for start, stop in itertools.pairwise(edges):
        yield int(start), int(stop), int(best[start])


def folded(
    probabilities: NDArray[np.float32], labels: Sequence[str]
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Classes of one label added up: probabilities (..., distinct labels) and those labels.

    The blank stays first. Folding before decoding keeps `o` and `O` beside each other from being
    taken for two characters.
    """
    names = (labels[BLANK], *dict.fromkeys(labels[BLANK + 1 :]))
    column = {name: index for index, name in enumerate(names)}
    matrix = np.zeros((len(labels), len(names)), dtype=np.float32)
    matrix[BLANK, BLANK] = 1.0
    for index, label in enumerate(labels[1:], start=1):
        matrix[index, column[label]] = 1.0
    return probabilities @ matrix, names
