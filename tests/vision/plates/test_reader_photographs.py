"""Real photographs: at least the accuracy that the project promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.plate_photographs import measure, photographs
from benchmarks.plate_scores import summary
from vision.plates.reader import EmbeddedPlateReader

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "plates" / "eu"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the photographs (../shared/data/plates/eu) are not here"
)


def test_european_plates_are_read(plate_reader: Callable[..., EmbeddedPlateReader]) -> None:
    found = summary("eu", measure(photographs(FOLDER), plate_reader(), label="eu"))
    # Some labels carry an O where the plate's syntax needs a 0: 84% and 96% were measured.
    assert found.exact.share >= 0.80
    assert found.exact_but_zero.share >= 0.90
    assert found.false_answers <= 2
