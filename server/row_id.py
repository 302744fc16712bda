"""Ids of rows: whole numbers above 0, as far as SQLite's integers go."""

from __future__ import annotations

from typing import Final

LARGEST_ID: Final = 2**63 - 1


def is_id(number: int) -> bool:
    """Whether a row may have it; a larger one could not even be asked for."""
    return 0 < number <= LARGEST_ID
