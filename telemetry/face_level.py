"""How sure a face is, in the three words of the older services' dashboards."""

from __future__ import annotations

from typing import Final

HIGH: Final = 0.8
MEDIUM: Final = 0.5
LEVELS: Final = ("high", "medium", "low")


def level_of(confidence: float) -> str:
    """One of `LEVELS`; `confidence` is 0..1."""
    if confidence > HIGH:
        return "high"
    return "medium" if confidence > MEDIUM else "low"
