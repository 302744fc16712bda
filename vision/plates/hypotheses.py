"""The texts that a line may say, likeliest first: the best path of a network and its neighbours.

Where the network hesitated at a character (or between one and none), each of its choices gives
another text. This keeps what the grammar needs to choose among them, at the cost of a few sums.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.plates.ctc import BLANK, TextLine, spans
from vision.reading import CharacterReading

MOST_HYPOTHESES = 16

MOST_DOUBT = 4.5
"""Nats below the likeliest text from which on a text is not worth a look (1 to 90)."""

_LEAST_SHARE = 0.02
_NO_SHARE = 1e-9
_MOST_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """A line as it may be; `doubt` is how much less likely than the likeliest, in nats."""

    line: TextLine
    doubt: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """What one span of steps may be; `character` None: nothing."""

    character: CharacterReading | None
    position: float
    doubt: float


def hypotheses(probabilities: NDArray[np.float32], labels: Sequence[str]) -> tuple[Hypothesis, ...]:
    """At most 16 texts of a line from probabilities of shape (steps, classes), best path first.

    `labels` names each class, each once; the first is the blank's and is not used. Of the steps
    that a character spans, the one with the highest probability speaks for it.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] != len(labels):
        raise ValueError(
            f"probabilities have shape {probabilities.shape}, expected (steps, {len(labels)})"
        )
    places = _places(probabilities, labels)
    found: list[Hypothesis] = []
    seen: set[tuple[int, ...]] = set()
    queue: list[tuple[float, tuple[int, ...]]] = [(0.0, (0,) * len(places))]
    while queue and len(found) < MOST_HYPOTHESES:
        doubt, picks = heapq.heappop(queue)
        found.append(_hypothesis(places, picks, doubt))
        for at, pick in enumerate(picks):
            if pick + 1 < len(places[at]):
                following = (*picks[:at], pick + 1, *picks[at + 1 :])
                more = doubt - places[at][pick].doubt + places[at][pick + 1].doubt
                if more <= MOST_DOUBT and following not in seen:
                    seen.add(following)
                    heapq.heappush(queue, (more, following))
    return tuple(found)


def _hypothesis(
    places: Sequence[Sequence[_Choice]], picks: tuple[int, ...], doubt: float
) -> Hypothesis:
    chosen = [choices[pick] for choices, pick in zip(places, picks, strict=True)]
    kept = [(c.character, c.position) for c in chosen if c.character is not None]
    line = TextLine(characters=tuple(c for c, _ in kept), positions=tuple(p for _, p in kept))
    return Hypothesis(line=line, doubt=doubt)


def _places(probabilities: NDArray[np.float32], labels: Sequence[str]) -> list[tuple[_Choice, ...]]:
    """The choices of each span that is not plainly nothing, likeliest first."""
    places = []
    for start, stop, best in spans(probabilities):
        if best == BLANK:
            part = probabilities[start:stop, BLANK + 1 :].max(axis=1)
            peak = start + int(part.argmax())
        else:
            peak = start + int(probabilities[start:stop, best].argmax())
        choices = _choices(probabilities[peak], labels, (peak + 0.5) / len(probabilities))
        if len(choices) > 1 or choices[0].character is not None:
            places.append(choices)
    return places


def _choices(
    step: NDArray[np.float32], labels: Sequence[str], position: float
) -> tuple[_Choice, ...]:
    order = np.argsort(step)[::-1][: _MOST_ALTERNATIVES + 1]
    shares = [(int(index), float(min(1.0, max(step[index], _NO_SHARE)))) for index in order]
    shares = [shares[0], *(pair for pair in shares[1:] if pair[1] >= _LEAST_SHARE)]
    named = [(labels[index], share) for index, share in shares if index != BLANK]
    top = shares[0][1]
    return tuple(
        _Choice(
            character=None if index == BLANK else _character(labels[index], share, named),
            position=position,
            doubt=math.log(top / share),
        )
        for index, share in shares
    )


def _character(text: str, share: float, named: Sequence[tuple[str, float]]) -> CharacterReading:
    others = tuple(pair for pair in named if pair[0] != text)
    return CharacterReading(text=text, confidence=share, alternatives=others)
