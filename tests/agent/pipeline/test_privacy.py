"""Faces and unwatched plates are blurred in what is stored; watched plates and values stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from agent.camera.frame import Frame, SensorFacts
from agent.errors import WatchlistUnreadable
from agent.pipeline.privacy import (
    PrivacyScreen,
    PrivacySettings,
    ScreenedSightings,
    bare,
    read_watchlist,
)
from agent.pipeline.sighting import FaceSighting, PlateSighting, Sighting
from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader, stamp
from vision.errors import ModelDoesNotFit, ModelFailed
from vision.geometry import Box
from vision.reading import FaceDetection, Picture, RefusedReading

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
OWN, OTHER = Box.from_xywh(100, 300, 120, 30), Box.from_xywh(400, 300, 120, 30)
FACE = Box.from_xywh(300, 50, 80, 100)


class OneFace:
    model = "one-face"

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        return (FaceDetection(box=FACE, confidence=0.9),)


class Failing:
    model = "failing"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        raise self._error


def picture() -> Picture:
    shown = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    stamp(shown, 1)
    return shown


def plate_sighting() -> PlateSighting:
    return PlateSighting(
        plate="AB1234",
        confidence=0.9,
        box=OWN,
        captured_at=NOW,
        first_seen_at=NOW,
        last_seen_at=NOW,
        picture=picture(),
        sensor=SensorFacts(),
        region=None,
        direction=None,
        evidence={},
    )


def face_sighting() -> FaceSighting:
    return FaceSighting(
        confidence=0.9,
        quality=0.8,
        box=FACE.shifted(100, 0),
        landmarks=None,
        captured_at=NOW,
        first_seen_at=NOW,
        last_seen_at=NOW,
        picture=picture(),
        sensor=SensorFacts(),
        embedding=None,
        embedding_model=None,
        evidence={},
    )


def screen(
    *,
    faces: bool = False,
    plates: bool = False,
    watched: str = "",
    doubtful: str = "",
    at: Box = FACE,
) -> PrivacyScreen:
    """`doubtful` is the reason for which a text `at` some place was refused, if there is one."""
    script = [ScriptedPlate(text="AB1234", box=OWN), ScriptedPlate(text="CD5678", box=OTHER)]
    refused = [RefusedReading(raw_text="QZ9TTT77", confidence=0.9, box=at, reason=doubtful)]
    watchlist = frozenset(bare(plate) for plate in watched.split())
    return PrivacyScreen(
        PrivacySettings(faces=faces, plates=plates, watchlist=watchlist),
        detector=OneFace(),
        reader=ScriptedPlateReader({1: script}, refused=refused if doubtful else ()),
    )


def hidden(before: Sighting, after: Sighting, box: Box) -> bool:
    x, y, width, height = box.as_xywh()
    part = np.s_[y : y + height, x : x + width]
    return not np.array_equal(before.picture[part], after.picture[part])


def hides(screen: PrivacyScreen, sighting: Sighting) -> list[str]:
    after = screen.screened(sighting)
    places = {"own": OWN, "other": OTHER, "face": FACE, "sighted face": FACE.shifted(100, 0)}
    return [name for name, box in places.items() if hidden(sighting, after, box)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"faces": True}, ["face"]),
        ({"plates": True}, ["own", "other"]),
        ({"plates": True, "watched": "ab-1234"}, ["other"]),
        ({"plates": True, "watched": "AB1234 CD5678"}, []),
        ({"faces": True, "plates": True, "watched": "CD5678"}, ["own", "face"]),
    ],
)
def test_what_is_set_is_hidden_and_the_watchlist_is_not(
    options: dict[str, object], expected: list[str]
) -> None:
    assert hides(screen(**options), plate_sighting()) == expected


@pytest.mark.parametrize("reason", ["format", "unsure", "surroundings", "cut", "tilted", "crowded"])
def test_text_that_may_be_a_plate_of_elsewhere_or_a_part_of_one_is_hidden(reason: str) -> None:
    watched = "AB1234 CD5678"
    assert hides(screen(plates=True, watched=watched, doubtful=reason), plate_sighting()) == [
        "face"
    ]


@pytest.mark.parametrize("reason", ["everyday", "shape", "small", "empty"])
def test_words_of_signs_and_what_nobody_can_read_stay(reason: str) -> None:
    watched = "AB1234 CD5678"
    assert hides(screen(plates=True, watched=watched, doubtful=reason), plate_sighting()) == []


def test_a_watched_plate_that_is_read_otherwise_the_second_time_stays() -> None:
    second = OWN.shifted(3, 1)
    hiding = screen(plates=True, watched="AB1234 CD5678", doubtful="format", at=second)
    assert hides(hiding, plate_sighting()) == []


def test_face_that_was_sighted_is_hidden_even_if_it_is_not_found_again() -> None:
    assert hides(screen(faces=True), face_sighting()) == ["face", "sighted face"]


def test_values_of_the_sighting_stay() -> None:
    sighting = plate_sighting()
    after = screen(faces=True, plates=True).screened(sighting)
    assert isinstance(after, PlateSighting)
    assert (after.plate, after.box, after.confidence) == ("AB1234", OWN, 0.9)


@pytest.mark.parametrize(
    "error", [ModelFailed("broke"), ModelDoesNotFit("let go, and no room"), ValueError("a bug")]
)
def test_picture_that_cannot_be_searched_is_blurred_as_a_whole(error: Exception) -> None:
    screen = PrivacyScreen(
        PrivacySettings(faces=True), detector=Failing(error), reader=ScriptedPlateReader({})
    )
    sighting = plate_sighting()
    after = screen.screened(sighting)
    assert after.picture.std() < 0.2 * sighting.picture.std()


def test_sightings_pass_the_screen_on_their_way() -> None:
    class Source:
        def process(self, frame: Frame) -> Sequence[Sighting]:
            return [plate_sighting()]

        def finish(self) -> Sequence[Sighting]:
            return [face_sighting()]

    screened = ScreenedSightings(Source(), screen(faces=True))
    frame = Frame(picture=picture(), captured_at=NOW, at_s=0, number=0)
    (plate,), (face,) = screened.process(frame), screened.finish()
    assert hidden(plate_sighting(), plate, FACE)
    assert hidden(face_sighting(), face, FACE)


def test_watchlist_is_a_plate_a_line_with_remarks(tmp_path: Path) -> None:
    path = tmp_path / "watchlist.txt"
    path.write_text("# stolen\nwa-56660  # a red one\n\n1กก 1234\n", encoding="utf-8")
    assert read_watchlist(path) == {"WA56660", "1กก1234"}
    with pytest.raises(WatchlistUnreadable, match=r"AGENT_WATCHLIST_FILE=.*none\.txt"):
        read_watchlist(tmp_path / "none.txt")
