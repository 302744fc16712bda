"""How much the suite tries of what has very many cases: some of every kind, or all of them."""

from __future__ import annotations

import os
import zlib
from typing import Final

import pytest


def tries_everything() -> bool:
    """Whether the environment asks for all: SIGHTPOST_TEST_EVERYTHING=1."""
    return os.environ.get("SIGHTPOST_TEST_EVERYTHING", "0") not in ("", "0")


def is_tried(name: str, *, one_in: int) -> bool:
    """Whether this case is among those that are always tried: the same ones in every run."""
    return tries_everything() or zlib.crc32(name.encode()) % one_in == 0


whole_runs: Final = pytest.mark.skipif(
    not tries_everything(), reason="a whole run of a benchmark: SIGHTPOST_TEST_EVERYTHING=1"
)

long_runs: Final = pytest.mark.skipif(
    not tries_everything(), reason="takes long: SIGHTPOST_TEST_EVERYTHING=1"
)
