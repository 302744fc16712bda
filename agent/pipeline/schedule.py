"""Which moving regions are worth a look by the reader now. Values only; runs on media time.

Reading is what costs. Nothing here looks at how long it took, so that a clip gives the same
sightings on every machine; on a live source a slow machine sees fewer frames instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from agent.pipeline.tracker import Track
from agent.pipeline.views import VIEWS


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """A region below `min_width_px` x `min_height_px` is too small for a readable plate.

    In a frame at most `reads_per_frame` regions are read, and no further one once they make up
    `pixels_per_frame`. A region with a plate is read every `interval_s`, and so is one without
    until all its parts were looked at; then the interval doubles up to `fruitless_s`, but what has
    grown by `growth` is new. A look that read what may be a plate and was not sure of it is
    followed by the next one there after `interval_s`, `doubtful_looks` times for a region. Where
    the text is sure, a look for a second vehicle follows after `recheck_s` (`recheck_one_s` where
    the region is no larger than one), then after twice that, up to `recheck_at_most_s`. So it does
    where the plate has left the picture, unless the region grows again: something follows.
    """

    min_width_px: float = 80.0
    min_height_px: float = 40.0
    reads_per_frame: int = 4
    pixels_per_frame: float = 250_000.0
    interval_s: float = 0.1
    fruitless_s: float = 1.0
    doubtful_looks: int = 4
    growth: float = 1.3
    recheck_s: float = 0.4
    recheck_one_s: float = 1.2
    recheck_at_most_s: float = 8.0


class Known(Enum):
    """What of a region is known so far: every text is sure, in a region no larger than one vehicle,
    or the plate has left the picture and the rest of its vehicle follows."""

    SURE = auto()
    ONE_VEHICLE = auto()
    SPENT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A region to read now, after `fruitless` looks that found nothing; `is_recheck` where nothing
    but a second vehicle is looked for."""

    region: Track
    fruitless: int
    is_recheck: bool
    known: Known | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    at_s: float
    size_px: float
    fruitless: int
    rechecks: int
    known: Known | None
    doubtful: int


class ReadSchedule:
    """Remembers the last look at each region, as long as the region lives."""

    def __init__(self, settings: ScheduleSettings) -> None:
        self._settings = settings
        self._looks: dict[int, _Look] = {}

    def due(self, now_s: float, regions: Sequence[Track], known: Mapping[int, Known]) -> list[Due]:
        """The regions seen at `now_s` to read now, most urgent first; `known` are those (by id)
        that need no look for a text. Forgets the regions that are no more."""
        alive = {region.id for region in regions}
        self._looks = {key: look for key, look in self._looks.items() if key in alive}
        for region in regions:
            if known.get(region.id) is Known.SPENT:
                self._note_shrinking(region)
        urgent = [
            (-self._overdue(now_s, region, known.get(region.id)), region.id, region)
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
            is_recheck = region.id in known and not self._is_followed(region, known.get(region.id))
            fruitless = look.fruitless if look is not None and region.id not in known else 0
            chosen.append(
                Due(
                    region=region,
                    fruitless=fruitless,
                    is_recheck=is_recheck,
                    known=known.get(region.id),
                )
            )
        return chosen

    def looked(self, now_s: float, due: Due, *, has_plate: bool, is_doubtful: bool = False) -> None:
        """Note that a region was read at `now_s`; `is_doubtful`: there was a text that may be a
        plate, and none that is one."""
        before = self._looks.get(due.region.id)
        is_another = due.is_recheck and before is not None and before.known is due.known
        rechecks = before.rechecks + 1 if is_another and before is not None else 0
        doubtful = before.doubtful if before is not None else 0
        fruitless = 0 if has_plate else due.fruitless + 1
        if is_doubtful and not has_plate and doubtful < self._settings.doubtful_looks:
            doubtful += 1
            fruitless = due.fruitless % VIEWS  # the same part again, without waiting longer
        self._looks[due.region.id] = _Look(
            at_s=now_s,
            size_px=_size(due.region),
            fruitless=fruitless,
            rechecks=rechecks,
            known=due.known,
            doubtful=doubtful,
        )

    def _note_shrinking(self, region: Track) -> None:
        """What leaves the picture becomes smaller: growing is measured from the smallest on."""
        look = self._looks.get(region.id)
        if look is not None and _size(region) < look.size_px:
            self._looks[region.id] = replace(look, size_px=_size(region))

    def _is_followed(self, region: Track, known: Known | None) -> bool:
        """Whether something comes after the vehicle whose plate has left the picture."""
        look = self._looks.get(region.id)
        return known is Known.SPENT and look is not None and self._has_grown(region, look)

    def _has_grown(self, region: Track, look: _Look) -> bool:
        return _size(region) >= self._settings.growth * look.size_px

    def _is_large_enough(self, region: Track) -> bool:
        box = region.box
        return (
            box.width >= self._settings.min_width_px and box.height >= self._settings.min_height_px
        )

    def _overdue(self, now_s: float, region: Track, known: Known | None) -> float:
        """Seconds past the time for the next look; negative before it, infinite for the first."""
        look = self._looks.get(region.id)
        if look is None:
            return math.inf
        waited_s = now_s - look.at_s
        settings = self._settings
        has_grown = known is None and look.fruitless > 0 and self._has_grown(region, look)
        if has_grown or self._is_followed(region, known):
            return waited_s
        if known is not None:
            is_one = known is Known.ONE_VEHICLE
            wait_s = settings.recheck_one_s if is_one else settings.recheck_s
            # What became larger than one vehicle has not been looked at as such.
            times = min(look.rechecks, 10) if look.known is known else 0
            return waited_s - min(wait_s * 2.0**times, settings.recheck_at_most_s)
        wait_s = settings.interval_s * 2.0 ** min(max(0, look.fruitless - VIEWS + 1), 10)
        # A frame's time is a rounded number: without the small allowance every other one is late.
        return waited_s - min(wait_s, max(settings.fruitless_s, settings.interval_s)) + 1e-6


def _size(region: Track) -> float:
    return math.sqrt(region.box.area)
