"""How often plates are read rightly, as far as people tell by putting readings right."""

from __future__ import annotations

from typing import Any, Final

import apsw

LATEST: Final = 10_000
"""Sightings that count, the latest; by their ids, which leave gaps only where rows were pruned."""
_IDS: Final = "SELECT (SELECT min(id) FROM lpr_detections), (SELECT max(id) FROM lpr_detections)"
_CORRECTED: Final = """
SELECT count(*), count(*) FILTER (WHERE corrected_plate IS NOT NULL) FROM lpr_detections
WHERE id IN (SELECT sighting_id FROM corrections WHERE sighting_id > ?)
"""


def uncorrected_share(connection: apsw.Connection) -> float | None:
    """0..1: the share of the latest sightings whose reading stands; None where nobody has
    corrected any of them, for then nobody may have looked."""
    found: Any = connection.execute(_IDS).fetchone()
    oldest, newest = found
    if newest is None:
        return None
    before = max(newest - LATEST, oldest - 1)
    looked_at, corrected = connection.execute(_CORRECTED, (before,)).fetchone() or (0, 0)
    if not looked_at:
        return None
    return 1.0 - int(corrected) / int(newest - before)
