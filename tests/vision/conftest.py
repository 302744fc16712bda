"""Real models, loaded once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from vision.plates.reader import EmbeddedPlateReader


@pytest.fixture(scope="session")
def plate_reader() -> Callable[..., EmbeddedPlateReader]:
    """`plate_reader("eu")` is the reader for these regions; `plate_reader()` guesses."""

    @cache
    def of(*regions: str) -> EmbeddedPlateReader:
        return EmbeddedPlateReader(regions=regions, threads=2)

    return of
