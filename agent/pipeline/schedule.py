"""Which moving regions are worth a look by the reader now. Values only; runs on media time.

Reading is what costs. Nothing here looks at how long it took, so that a clip gives the same
sightings on every machine; on a live source a slow machine sees fewer frames instead.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agent.pipeline.tracker import Track
from agent.pipeline.views import VIEWS


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """A region below `min_width_px` x `min_height_px` is too small for a readable plate.

    In a frame at most `reads_per_frame` regions are read, and no further one once they make up
    `pixels_per_frame`. A region with a plate is read every
    `interval_s`, and so is one without until all its parts were looked at; then the interval
    doubles up to `fruitless_s`, but what has grown by `growth` is new. Where the text is sure, a
    look for a second vehicle follows after `recheck_s`, then after twice that, up to
    `recheck_at_most_s`.
    """

    min_width_px: float = 80.0
    min_height_px: float = 40.0
    reads_per_frame: int = 4
    pixels_per_frame: float = 250_000.0
    interval_s: float = 0.1
    fruitless_s: float = 1.0
    growth: float = 1.3
    recheck_s: float = 0.4
    recheck_at_most_s: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A region to read now, after `fruitless` looks that found nothing; `is_recheck` where its
    text is sure."""

    region: Track
    fruitless: int
    is_recheck: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    at_s: float
    size_px: float
    fruitless: int
    rechecks: int


class ReadSchedule:
    """Remembers the last look at each region, as long as the region lives."""

    def __init__(self, settings: ScheduleSettings) -> None:
        self._settings = settings
        self._looks: dict[int, _Look] = {}

    def due(self, now_s: float, regions: Sequence[Track], sure: Collection[int]) -> list[Due]:
        """The regions seen at `now_s` to read now, most urgent first; `sure` are the ids of those
        whose text needs no further look. Forgets the regions that are no more."""
        alive = {region.id for region in regions}
        self._looks = {key: look for key, look in self._looks.items() if key in alive}
        urgent = [
            (-self._overdue(now_s, region, sure), region.id, region)
            for region in regions
            if region.seen_s == now_s and self._is_large_enough(region)
        ]
        due = [entry for entry in sorted(urgent, key=lambda entry: entry[:2]) if entry[0] <= 0]
        chosen, pixels = list[Due](), 0.0
        for _, _, region in due[: self._settings.reads_per_frame]:
            if pixels >= self._settings.pixels_per_frame:
                break
            pixels += region.box.area
            look = self._looks.get(region.id)
            fruitless = 0 if look is None else look.fruitless
            chosen.append(Due(region=region, fruitless=fruitless, is_recheck=region.id in sure))
        return chosen

    def looked(self, now_s: float, due: Due, *, has_plate: bool) -> None:
        """Note that a region was read at `now_s`."""
        before = self._looks.get(due.region.id)
        rechecks = before.rechecks + 1 if due.is_recheck and before is not None else 0
        self._looks[due.region.id] = _Look(
            at_s=now_s,
            size_px=_size(due.region),
            fruitless=0 if has_plate else due.fruitless + 1,
            rechecks=rechecks,
        )

    def _is_large_enough(self, region: Track) -> bool:
        box = region.box
        return (
            box.width >= self._settings.min_width_px and box.height >= self._settings.min_height_px
        )

    def _overdue(self, now_s: float, region: Track, sure: Collection[int]) -> float:
        """Seconds past the time for the next look; negative before it, infinite for the first."""
        look = self._looks.get(region.id)
        if look is None:
            return math.inf
        waited_s = now_s - look.at_s
        settings = self._settings
        if region.id in sure:
            wait_s = settings.recheck_s * 2.0 ** min(look.rechecks, 10)
            return waited_s - min(wait_s, settings.recheck_at_most_s)
        if look.fruitless and _size(region) >= settings.growth * look.size_px:
            return waited_s
        wait_s = settings.interval_s * 2.0 ** min(max(0, look.fruitless - VIEWS + 1), 10)
        # A frame's time is a rounded number: without the small allowance every other one is late.
        return waited_s - min(wait_s, max(settings.fruitless_s, settings.interval_s)) + 1e-6


def _size(region: Track) -> float:
    return math.sqrt(region.box.area)
