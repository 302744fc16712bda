"""Faces, and plates that nobody watches for, blurred in pictures before they are stored or sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import structlog

from agent.camera.frame import Frame
from agent.errors import WatchlistUnreadable
from agent.pipeline.sighting import PlateSighting, Sighting
from vision.blurring import blurred
from vision.geometry import Box
from vision.reading import FaceDetector, Picture, PlateReader

_log = structlog.get_logger(__name__)

_NO_PLATES = frozenset({"everyday", "shape", "small", "empty"})
"""Reasons for which a text is left as it is: a word of a sign, nothing that is as long as a plate,
nothing that can be read. Any other text may be a plate that is cut by the picture's edge, one of a
country whose formats are not known, or one whose text the owner chose."""


class SightingSource(Protocol):
    """What gives sightings for frames (`agent.pipeline.runner.Pipeline`)."""

    def process(self, frame: Frame) -> Sequence[Sighting]: ...

    def finish(self) -> Sequence[Sighting]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings:
    """What is blurred. Plates in `watchlist` (upper case, letters and digits only) stay visible."""

    faces: bool = False
    plates: bool = False
    watchlist: frozenset[str] = frozenset()


class PrivacyScreen:
    """Looks at each sighting's picture once more, as a whole, and blurs what is to be hidden."""

    def __init__(
        self, settings: PrivacySettings, *, detector: FaceDetector, reader: PlateReader
    ) -> None:
        self._settings = settings
        self._detector = detector
        self._reader = reader

    def screened(self, sighting: Sighting) -> Sighting:
        """The sighting with another picture; its values stay.

        Where a model fails on the picture, or cannot be loaded again, or says what is no place,
        all of it is blurred: a sighting is not lost for it, and nothing is shown that should be
        hidden.
        """
        try:
            return replace(sighting, picture=blurred(sighting.picture, self._to_hide(sighting)))
        except Exception as error:  # noqa: BLE001 - whatever a model does: it ends no watching
            _log.error(
                "a whole picture is blurred, as it cannot be searched",
                error=f"{type(error).__name__}: {error}",
            )
        height, width = sighting.picture.shape[:2]
        everything = Box(x1=0, y1=0, x2=width, y2=height)
        return replace(sighting, picture=blurred(sighting.picture, [everything]))

    def _to_hide(self, sighting: Sighting) -> list[Box]:
        hidden: list[Box] = []
        if self._settings.faces:
            hidden += [face.box for face in self._detector.detect(sighting.picture)]
            if not isinstance(sighting, PlateSighting):
                hidden.append(sighting.box)
        if self._settings.plates:
            shown: list[Box] = []
            if isinstance(sighting, PlateSighting):
                (shown if self._is_watched(sighting.plate) else hidden).append(sighting.box)
            hidden += self._plates_in(sighting.picture, shown)
        return hidden

    def _plates_in(self, picture: Picture, shown: Sequence[Box]) -> list[Box]:
        """The plates to hide, and what may be one unless it is a part of those that are `shown`."""
        readings = self._reader.read(picture)
        shown = [*shown, *(p.box for p in readings.plates if self._is_watched(p.text))]
        plates = [plate.box for plate in readings.plates if not self._is_watched(plate.text)]
        doubtful = [one.box for one in readings.refused if one.reason not in _NO_PLATES]
        return plates + [
            box
            for box in doubtful
            if not any(box.intersection(known) > 0.5 * box.area for known in shown)
        ]

    def _is_watched(self, plate: str) -> bool:
        return bare(plate) in self._settings.watchlist


class ScreenedSightings:
    """A `SightingSource` whose pictures have passed the screen, each once."""

    def __init__(self, source: SightingSource, screen: PrivacyScreen) -> None:
        self._source = source
        self._screen = screen

    def process(self, frame: Frame) -> list[Sighting]:
        return [self._screen.screened(sighting) for sighting in self._source.process(frame)]

    def finish(self) -> list[Sighting]:
        return [self._screen.screened(sighting) for sighting in self._source.finish()]


def read_watchlist(path: Path) -> frozenset[str]:
    """The plates of a text file, one a line, `#` before remarks; raises WatchlistUnreadable."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WatchlistUnreadable(
            f"AGENT_WATCHLIST_FILE={path} cannot be read ({error}): write a text file with a plate "
            "a line, or leave the key empty"
        ) from error
    plates = (bare(line.partition("#")[0]) for line in lines)
    return frozenset(plate for plate in plates if plate)


def bare(plate: str) -> str:
    """Upper case, letters and digits only, so that `wa-56660` is `WA56660`."""
    return "".join(character for character in plate.upper() if character.isalnum())
