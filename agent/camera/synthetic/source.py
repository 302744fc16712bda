"""The `synthetic:` frame source: renders the scheduled scene, paced or as fast as it is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import cv2
import numpy as np

from agent.camera.controls import CameraControls, Offer
from agent.camera.errors import SourceFailed, SourceTimedOut
from agent.camera.frame import Frame
from agent.camera.synthetic.renderer import Renderer, darkness, sensor_facts
from agent.camera.synthetic.schedule import (
    Passage,
    Vehicle,
    passages,
    total_frames,
    vehicles,
)
from agent.camera.synthetic.settings import SyntheticSettings
from vision.reading import Picture

SYNTHETIC_CONTROLS: Final = frozenset({"brightness", "contrast"})


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SyntheticSource:
    """Frames of the rendered road.

    `Frame.number` counts the scene's frames, so that truth and sightings can be compared. A
    paced endless source that was read too slowly skips frames as a sensor does. A source that
    is not paced dates each frame by when it was rendered: its scene may pass faster or slower.
    """

    def __init__(
        self,
        settings: SyntheticSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        utc_now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._utc_now = utc_now
        self._total = total_frames(settings)
        self._renderer: Renderer | None = None
        self._opened_s = 0.0
        self._started_at = utc_now()
        self._number = 0
        self._coming: Iterator[Vehicle] = iter(())
        self._next: Vehicle | None = None
        self._present: list[Vehicle] = []
        self._controls = CameraControls()

    @property
    def is_finite(self) -> bool:
        return self._settings.is_finite

    @property
    def total_frames(self) -> int | None:
        return self._total

    def truth(self, limit: int | None = None) -> tuple[Passage, ...]:
        """What passes (of an endless run: its first `limit` vehicles)."""
        return passages(self._settings, limit)

    @property
    def offer(self) -> Offer:
        return Offer(fields=SYNTHETIC_CONTROLS)

    def control(self, controls: CameraControls) -> None:
        """Brightness and contrast are applied to what is rendered; it has nothing else to set."""
        self._controls = controls

    def __enter__(self) -> SyntheticSource:
        self._renderer = Renderer(self._settings)
        self._coming = vehicles(self._settings)
        self._next = next(self._coming, None)
        self._present = []
        self._number = 0
        self._opened_s = self._clock()
        self._started_at = self._utc_now()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._renderer = None

    def read(self, timeout_s: float) -> Frame | None:
        if self._renderer is None:
            raise SourceFailed("synthetic: is not open; enter it before reading")
        if self._total is not None and self._number >= self._total:
            return None
        if self._settings.is_paced:
            self._wait_for_exposure(timeout_s)
        number, at_s = self._number, self._number / self._settings.fps
        self._move_on(at_s)
        self._number += 1
        return Frame(
            picture=self._as_set(self._renderer.render(number, self._present)),
            captured_at=self._dated(at_s),
            at_s=at_s,
            number=number,
            origin="synthetic:",
            sensor=sensor_facts(darkness(self._settings.night, at_s)),
        )

    def _dated(self, at_s: float) -> datetime:
        if not self._settings.is_paced:
            return self._utc_now()
        return self._started_at + timedelta(seconds=at_s)

    def _as_set(self, picture: Picture) -> Picture:
        """Contrast about the middle grey, then brightness, as libcamera's controls of that name."""
        contrast, brightness = self._controls.contrast, self._controls.brightness
        if contrast is None and brightness is None:
            return picture
        gain = 1.0 if contrast is None else contrast
        offset = 128 * (1 - gain) + 255 * (brightness or 0.0)
        levels = np.clip(np.arange(256) * gain + offset, 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(picture, levels), np.uint8)

    def _wait_for_exposure(self, timeout_s: float) -> None:
        fps = self._settings.fps
        ahead_s = self._number / fps - (self._clock() - self._opened_s)
        if ahead_s > timeout_s:
            self._sleep(timeout_s)
            raise SourceTimedOut(
                f"synthetic: gave no frame within {timeout_s:g} s: at {fps:g} frames a second "
                f"wait at least {1 / fps:.2f} s"
            )
        if ahead_s > 0:
            self._sleep(ahead_s)
        elif not self.is_finite:
            self._number += int(-ahead_s * fps)

    def _move_on(self, at_s: float) -> None:
        self._present = [vehicle for vehicle in self._present if at_s <= vehicle.leaves_at_s]
        while self._next is not None and self._next.enters_at_s <= at_s:
            if at_s <= self._next.leaves_at_s:
                self._present.append(self._next)
            self._next = next(self._coming, None)
