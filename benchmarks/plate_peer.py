"""RapidOCR as it comes, on the same pictures: what our reader has to be better than."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from rapidocr import RapidOCR
from rich.console import Console
from rich.progress import track

from benchmarks.plate_photographs import Photograph
from benchmarks.plate_scores import Outcome

LEAST_CHARACTERS, MOST_CHARACTERS = 4, 9
"""Lines of other lengths are not counted as its answers: it does not know what a plate is."""


def measure_peer(shown: Sequence[Photograph], *, label: str) -> list[Outcome]:
    """Every line that it reads in the whole picture is an answer, upper case, signs left out."""
    logging.getLogger("RapidOCR").setLevel(logging.WARNING)
    engine: Any = RapidOCR()
    outcomes = []
    for one in track(shown, description=label, console=Console(stderr=True)):
        picture = one.picture()
        started = time.perf_counter()
        found = engine(picture)
        elapsed_ms = (time.perf_counter() - started) * 1000
        lines = zip(found.txts or (), found.scores or (), strict=True)
        kept = [(plain(text), float(score)) for text, score in lines]
        kept = [p for p in kept if LEAST_CHARACTERS <= len(p[0]) <= MOST_CHARACTERS]
        outcomes.append(
            Outcome(
                file=one.path.name,
                truth=one.plate,
                answers=tuple(text for text, _ in kept),
                confidences=tuple(score for _, score in kept),
                ms=elapsed_ms,
            )
        )
    return outcomes


def plain(text: str) -> str:
    return "".join(c for c in text.upper() if c.isascii() and c.isalnum())
