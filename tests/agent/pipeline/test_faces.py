"""Faces are followed, their best shot is kept, and a visit is one sighting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from agent.camera.frame import Frame
from agent.pipeline.faces import FacePassages, FaceSettings
from agent.pipeline.sighting import FaceSighting
from agent.pipeline.statistics import Tally
from agent.pipeline.visits import VisitSettings
from tests.vision.tiny_onnx import model, node
from vision.backends.onnx import OnnxBackend
from vision.errors import ModelFailed
from vision.faces.alignment import TEMPLATE
from vision.faces.embedding import Embedding, FaceEmbedder
from vision.geometry import Box, Point
from vision.input import parse_input
from vision.performance import Performance
from vision.reading import FaceDetection, Picture

START = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
ANNA, BERT = (60, 90, 200), (200, 90, 60)
SIDE = 96
EVERYWHERE = (Box(x1=0, y1=0, x2=640, y2=480),)


@dataclass(frozen=True)
class Seen:
    """Who is where in a frame, how sharp."""

    colour: tuple[int, int, int]
    x: int = 100
    blur: float = 0.0


class Painted:
    """Finds the noisy squares that `painted` put on black, as faces with landmarks."""

    model = "painted-1"

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        columns = np.flatnonzero(picture.max(axis=(0, 2)) > 0)
        if not len(columns):
            return ()
        groups = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
        rows = np.flatnonzero(picture.max(axis=(1, 2)) > 0)
        return tuple(self._face(float(group[0]), float(rows[0])) for group in groups)

    def _face(self, x: float, y: float) -> FaceDetection:
        scale = SIDE / 112
        a, b, c, d, e = ((x + px * scale, y + py * scale) for px, py in TEMPLATE)
        box = Box.from_xywh(x, y, SIDE, SIDE)
        return FaceDetection(box=box, confidence=0.9, landmarks=(a, b, c, d, e))


def painted(*seen: Seen) -> Picture:
    picture = np.zeros((480, 640, 3), dtype=np.uint8)
    for one in seen:
        noise = np.random.default_rng(0).normal(one.colour, 40, (SIDE, SIDE, 3))
        if one.blur:
            noise = cv2.GaussianBlur(noise, (0, 0), one.blur)
        picture[100 : 100 + SIDE, one.x : one.x + SIDE] = noise.clip(1, 255).astype(np.uint8)
    return picture


def frame_at(at_s: float, *seen: Seen) -> Frame:
    return Frame(
        picture=painted(*seen),
        captured_at=START + timedelta(seconds=at_s),
        at_s=at_s,
        number=round(at_s * 10),
    )


COLOUR = model(
    [node("GlobalAveragePool", ["face"], ["mean"]), node("Flatten", ["mean"], ["out"])],
    inputs={"face": [1, 3, 112, 112]},
    outputs={"out": [1, 3]},
)
PIXELS = parse_input("3x112x112 bgr 0..255")


def embedder() -> FaceEmbedder:
    """Tells people apart by their colour."""
    return FaceEmbedder(OnnxBackend("colour", COLOUR, threads=1), PIXELS)


VISITS = VisitSettings(same_likeness=0.95)
SETTINGS = FaceSettings(interval_s=0.2, keeps_embeddings=True, visits=VISITS)


def passages(settings: FaceSettings = SETTINGS, *, embeds: bool = True) -> FacePassages:
    return FacePassages(
        Painted(), settings, Tally(Performance(float)), embedder=embedder() if embeds else None
    )


def watch(faces: FacePassages, *stays: tuple[float, float, Seen]) -> Iterator[FaceSighting]:
    """Ten frames a second from the first stay's begin to three seconds after the last one's end."""
    end_s = max(end for _, end, _ in stays) + 3
    for number in range(round(stays[0][0] * 10), round(end_s * 10)):
        at_s = number / 10
        seen = [who for begin, end, who in stays if begin <= at_s < end]
        yield from faces.observe(frame_at(at_s, *seen), EVERYWHERE)


def test_one_who_passes_is_one_sighting_with_landmarks_and_embedding() -> None:
    (face,) = watch(passages(), (0, 3, Seen(ANNA)))
    assert face.landmarks is not None
    assert face.box.x1 == pytest.approx(100)
    assert face.embedding is not None
    assert np.linalg.norm(face.embedding) == pytest.approx(1)
    assert face.embedding_model == "colour@"
    assert face.quality > 0.5
    assert (face.last_seen_at - face.first_seen_at).total_seconds() == pytest.approx(2.8, abs=0.2)
    assert face.evidence["looks"] >= 10
    assert face.evidence["quality"]["size"] == 1


def test_embedding_stays_inside_unless_it_is_set() -> None:
    (face,) = watch(passages(replace(SETTINGS, keeps_embeddings=False)), (0, 3, Seen(ANNA)))
    assert face.embedding is None
    assert face.embedding_model is None


def test_best_shot_is_the_sharpest() -> None:
    stays = (
        (0.0, 1.0, Seen(ANNA, blur=3)),
        (1.0, 1.5, Seen(ANNA, x=110)),
        (1.5, 3.0, Seen(ANNA, blur=3)),
    )
    (face,) = watch(passages(), *stays)
    assert 1.0 <= (face.captured_at - START).total_seconds() < 1.5
    assert face.box.x1 == pytest.approx(110)


def test_one_who_comes_back_is_on_the_same_visit_and_another_is_not() -> None:
    found = list(
        watch(
            passages(),
            (0, 2, Seen(ANNA)),
            (10, 12, Seen(ANNA, x=400)),
            (20, 22, Seen(BERT, x=400)),
            (30, 32, Seen(ANNA)),
        )
    )
    assert [face.captured_at.second // 10 for face in found] == [0, 2]


def test_one_who_comes_back_much_later_is_a_new_visit() -> None:
    settings = replace(SETTINGS, visits=replace(VISITS, gap_s=20))
    found = list(watch(passages(settings), (0, 2, Seen(ANNA)), (30, 32, Seen(ANNA))))
    assert len(found) == 2


def test_two_at_once_are_two_sightings() -> None:
    stays = ((0, 3, Seen(ANNA)), (0, 3, Seen(BERT, x=400)))
    assert len(list(watch(passages(), *stays))) == 2


def test_one_who_stays_is_reported_once_before_leaving() -> None:
    settings = replace(SETTINGS, report_after_s=5)
    faces = passages(settings)
    found = list(watch(faces, (0, 20, Seen(ANNA)), (25, 27, Seen(ANNA, x=400))))
    (face,) = found
    assert (face.last_seen_at - START).total_seconds() == pytest.approx(5, abs=0.3)


def test_without_embeddings_place_and_time_tell_a_visit() -> None:
    faces = passages(embeds=False)
    found = list(watch(faces, (0, 2, Seen(ANNA)), (5, 7, Seen(ANNA)), (9, 11, Seen(ANNA, x=400))))
    assert len(found) == 2
    assert found[0].embedding is None


def test_blurred_face_is_refused_and_counted() -> None:
    tally = Tally(Performance(float))
    faces = FacePassages(Painted(), SETTINGS, tally)
    assert list(watch(faces, (0, 2, Seen(ANNA, blur=12)))) == []
    assert tally.snapshot().refusals == {"poor_face": 1}


def test_picture_that_stands_for_itself_needs_one_look() -> None:
    still = replace(frame_at(0, Seen(ANNA), Seen(BERT, x=400)), is_still=True)
    assert len(passages().observe_still(still)) == 2


def test_source_that_begins_anew_forgets_visits() -> None:
    faces = passages()
    assert len(list(watch(faces, (0, 2, Seen(ANNA))))) == 1
    assert faces.finish() == []
    assert len(list(watch(faces, (0, 2, Seen(ANNA))))) == 1


def test_embedding_that_fails_costs_no_face_and_holds_no_frame() -> None:
    class Failing(FaceEmbedder):
        def embed(self, picture: Picture, landmarks: Sequence[Point]) -> Embedding:
            raise ModelFailed("model colour: broke on purpose")

    broken = Failing(OnnxBackend("colour", COLOUR, threads=1), PIXELS)
    faces = FacePassages(Painted(), SETTINGS, Tally(Performance(float)), embedder=broken)
    found = list(watch(faces, (0, 2, Seen(ANNA)), (0, 2, Seen(BERT, x=350))))
    assert [one.embedding for one in found] == [None, None]
    assert faces.frames_held == 0
