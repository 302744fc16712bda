"""The motion gate: which parts of a frame differ from what is usually there.

Works on a small grey copy; it must stay a small part of a frame's time and never judges what moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box
from vision.reading import Picture

_DEVIATION_TO_SIGMA = 1.2533
"""Sigma of a normal distribution over its mean absolute deviation: sqrt(pi / 2)."""
_LEAST_KNOWN_CONTRAST = 0.7
"""Below this share of its contrast the background may have the pattern from a vehicle that stands
there: a drawn plate came to it after five seconds, when little of it still counted as changed. A
sign keeps 0.78 behind a lorry of three seconds."""
_SAME_PATTERN = 0.9
"""Correlation from which two grey patches show the same. The grey copy of one sign gives 0.95 and
more; of 2000 pairs of drawn plates with different texts the most alike gave 0.81."""
_PLATE_GAP = 5
"""Pixels of the grey copy between changed ones that count as changed for the background: the
strokes of a sign's text were else taken over while something passed in front of it."""
_DARKEST_FOR_GAIN = 12.0
"""Grey value below which a pixel says nothing about a change of exposure."""
_NO_GAIN = 0.01
"""A change of exposure below which a white pixel changes by less than noise does."""

Grey = NDArray[np.float32]
Mask = NDArray[np.uint8]
Luma = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionSettings:
    """How the gate sees.

    `width_px` is about the width of the grey copy. A pixel has changed when it is further from the
    background than `floor` grey levels and than `sigmas` times its own usual wavering. The
    background follows an unchanged pixel in `learn_s` and takes a changed one over in `absorb_s`
    (a vehicle that parks disappears from view in about 1.5 times that). A region smaller than
    `min_area_share` of the frame is no region; `padding_share` of its size is added on each side.
    When the changed share of the frame jumps by more than `upheaval_share` between two frames, the
    light or the camera changed and the background is learned anew.
    """

    width_px: int = 320
    floor: float = 9.0
    sigmas: float = 4.5
    learn_s: float = 3.0
    absorb_s: float = 12.0
    min_area_share: float = 0.0015
    padding_share: float = 0.08
    max_regions: int = 16
    upheaval_share: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionLook:
    """What moved in one frame: boxes in full-frame pixels, largest first, and the mask behind them.

    `mask` is 1 where the grey copy changed, with `factor` frame pixels to a mask pixel; `grey` is
    that copy and `background` what it was compared with.
    """

    regions: tuple[Box, ...]
    mask: Mask
    factor: int
    grey: Grey
    background: Grey

    def changed_share(self, box: Box) -> float:
        """The part of `box` (full-frame pixels) that differs from the background, 0..1."""
        return float(self.mask[self._part(box)].mean())

    def shows_background(self, box: Box) -> bool:
        """Whether what `box` shows stands in the background too, be it paler or darker there.

        So it is after something large passed in front of a sign: the background took on some of
        it, and the sign counts as changed until that has faded.
        """
        now, before = self.grey[self._part(box)], self.background[self._part(box)]
        contrast, known = float(now.std()), float(before.std())
        if contrast <= 0 or known < _LEAST_KNOWN_CONTRAST * contrast:
            return False
        shared = float(((now - now.mean()) * (before - before.mean())).mean())
        return shared >= _SAME_PATTERN * contrast * known

    def _part(self, box: Box) -> tuple[slice, slice]:
        """Rows and columns of the grey copy; at least one pixel."""
        height, width = self.mask.shape
        x1 = min(max(int(box.x1 / self.factor), 0), width - 1)
        y1 = min(max(int(box.y1 / self.factor), 0), height - 1)
        x2 = min(max(math.ceil(box.x2 / self.factor), x1 + 1), width)
        y2 = min(max(math.ceil(box.y2 / self.factor), y1 + 1), height)
        return slice(y1, y2), slice(x1, x2)


class MotionGate:
    """A running background with a threshold that follows each pixel's noise."""

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings
        self._background: Grey | None = None
        self._deviation: Grey | None = None
        self._at_s = 0.0
        self._looks = 0
        self._last_share = 0.0

    def look(self, picture: Picture, at_s: float, *, luma: Luma | None = None) -> MotionLook:
        """The moving regions of the frame taken at `at_s`.

        The first frame, and one of another size, gives none: it becomes the background. `luma` is
        the grey copy where the camera makes one itself; of another size it is of no use.
        """
        factor = max(1, round(picture.shape[1] / self._settings.width_px))
        if luma is not None and luma.shape == _small_shape(picture, factor):
            grey = luma.astype(np.float32)
        else:
            grey = _small_grey(picture, factor)
        background, deviation = self._background, self._deviation
        if background is None or deviation is None or background.shape != grey.shape:
            return self._learned_anew(grey, factor, at_s)
        gain = _gain(grey, background)
        difference = _difference(grey, background, gain)
        # What was made brighter wavers as much more, and is as much coarser.
        deviation *= max(gain, np.float32(1.0))
        changed = self._changed(difference, deviation)
        share = cv2.countNonZero(changed) / changed.size
        if share - self._last_share > self._settings.upheaval_share:
            return self._learned_anew(grey, factor, at_s)
        compared = background.copy()
        whole = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((_PLATE_GAP, _PLATE_GAP)))
        self._follow(grey, difference, whole, max(0.0, at_s - self._at_s))  # type: ignore[arg-type] # OpenCV's stubs widen the dtype
        self._at_s, self._last_share = at_s, share
        return MotionLook(
            regions=self._regions(changed, factor, picture.shape[1], picture.shape[0]),
            mask=changed,
            factor=factor,
            grey=grey,
            background=compared,
        )

    def _learned_anew(self, grey: Grey, factor: int, at_s: float) -> MotionLook:
        self._background = grey.copy()
        self._deviation = np.full_like(grey, self._settings.floor / self._settings.sigmas / 2)
        self._at_s, self._looks, self._last_share = at_s, 1, 0.0
        return MotionLook(
            regions=(),
            mask=np.zeros(grey.shape, np.uint8),
            factor=factor,
            grey=grey,
            background=grey,
        )

    def _changed(self, difference: Grey, deviation: Grey) -> Mask:
        """1 where a pixel is out of its usual range, single specks removed."""
        limit = deviation * (self._settings.sigmas * _DEVIATION_TO_SIGMA)
        np.maximum(limit, self._settings.floor, out=limit)
        changed = (difference > limit).view(np.uint8)
        return cv2.morphologyEx(  # type: ignore[return-value] # OpenCV's stubs widen the dtype
            changed, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)
        )

    def _follow(self, grey: Grey, difference: Grey, changed: Mask, elapsed_s: float) -> None:
        """Move background and wavering towards the new frame, slowly where it changed."""
        background, deviation = self._background, self._deviation
        if background is None or deviation is None:
            return
        self._looks += 1
        quick = max(1.0 - math.exp(-elapsed_s / self._settings.learn_s), 1.0 / self._looks)
        slow = 1.0 - math.exp(-elapsed_s / self._settings.absorb_s)
        still = (changed == 0).view(np.uint8)
        cv2.accumulateWeighted(grey, background, min(quick, 0.5), mask=still)
        cv2.accumulateWeighted(grey, background, slow, mask=changed)
        cv2.accumulateWeighted(difference, deviation, min(quick, 0.2), mask=still)

    def _regions(self, changed: Mask, factor: int, width: int, height: int) -> tuple[Box, ...]:
        if not changed.any():
            return ()
        reach = max(3, round(changed.shape[1] * 0.016)) | 1
        joined = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        least = self._settings.min_area_share * changed.size
        boxes = []
        for index in range(1, count):
            x, y, box_width, box_height, area = (int(value) for value in stats[index])
            if area >= least:
                boxes.append(Box.from_xywh(x, y, box_width, box_height))
        boxes = sorted(_merged(boxes), key=lambda box: -box.area)[: self._settings.max_regions]
        return tuple(self._padded(box, factor).clipped(width, height) for box in boxes)

    def _padded(self, small: Box, factor: int) -> Box:
        share = self._settings.padding_share
        box = Box(
            x1=small.x1 * factor, y1=small.y1 * factor, x2=small.x2 * factor, y2=small.y2 * factor
        )
        return box.grown(box.width * share + factor, box.height * share + factor)


def _small_shape(picture: Picture, factor: int) -> tuple[int, int]:
    return picture.shape[0] // factor, picture.shape[1] // factor


def _small_grey(picture: Picture, factor: int) -> Grey:
    """Grey copy, each of its pixels the mean of `factor` by `factor` of the frame's.

    Grey first, then halved as often as that goes: OpenCV has vector code for both, and none for
    coloured pixels or larger factors in one step (0.5 ms instead of 1.35 for 1280x720).
    """
    height, width = _small_shape(picture, factor)
    grey = cv2.cvtColor(picture[: height * factor, : width * factor], cv2.COLOR_BGR2GRAY)
    while factor % 2 == 0:
        factor //= 2
        size = width * factor, height * factor
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    if factor > 1:
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return grey.astype(np.float32)


def _difference(grey: Grey, background: Grey, gain: np.float32) -> Grey:
    """How far the picture is from the background, which follows the gain, but not where it is
    nearer without: lamps and what a camera writes into its pictures do not."""
    if abs(gain - 1.0) < _NO_GAIN:
        background *= gain
        return np.asarray(cv2.absdiff(grey, background), np.float32)
    unscaled = np.asarray(cv2.absdiff(grey, background), np.float32)
    scaled = background * gain
    difference = np.asarray(cv2.absdiff(grey, scaled), np.float32)
    np.copyto(background, scaled, where=difference <= unscaled)
    return np.minimum(difference, unscaled)


def _gain(grey: Grey, background: Grey) -> np.float32:
    """How much brighter the whole picture has become (exposure, clouds): a median, so that what
    moves does not count while it covers less than half of the picture."""
    now, before = grey[::4, ::4], background[::4, ::4]
    telling = before > _DARKEST_FOR_GAIN
    if int(telling.sum()) < telling.size // 8:
        return np.float32(1.0)
    ratio = float(np.median(now[telling] / before[telling]))
    return np.float32(min(max(ratio, 0.25), 4.0))


def _merged(boxes: list[Box]) -> list[Box]:
    """Boxes of which one lies to a good part in another become one."""
    pending, done = list(boxes), list[Box]()
    while pending:
        box = pending.pop()
        partner = next((o for o in pending if _belongs_together(box, o)), None)
        if partner is None:
            done.append(box)
        else:
            pending.remove(partner)
            pending.append(box.united(partner))
    return done


def _belongs_together(one: Box, other: Box) -> bool:
    return one.intersection(other) > 0.4 * min(one.area, other.area)
