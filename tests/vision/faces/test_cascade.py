"""The embedded face detector on real photographs and on pictures without faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vision.errors import ModelError, ModelFailed
from vision.faces.cascade import CascadeFaceDetector, confidence_of
from vision.pictures import load_picture

FACES = Path(__file__).parents[4] / "shared" / "data" / "faces"


def test_nothing_shows_no_face() -> None:
    assert CascadeFaceDetector().detect(np.full((480, 640, 3), 128, dtype=np.uint8)) == ()


@pytest.mark.parametrize("shape", [(20000, 3, 3), (3, 20000, 3), (1, 1, 3)])
def test_a_strip_of_a_picture_shows_no_face(shape: tuple[int, int, int]) -> None:
    assert CascadeFaceDetector().detect(np.full(shape, 128, dtype=np.uint8)) == ()


def test_a_picture_that_opencv_cannot_take_is_named() -> None:
    with pytest.raises(ModelFailed, match=r"shape \(0, 5, 3\)"):
        CascadeFaceDetector().detect(np.zeros((0, 5, 3), dtype=np.uint8))


def test_confidence_rises_with_the_weight_and_stays_a_share() -> None:
    values = [confidence_of(weight) for weight in (-10.0, 0.0, 3.5, 6.0, 30.0)]
    assert values == sorted(values)
    assert values[2] == pytest.approx(0.5)
    assert 0 < values[0] < values[-1] <= 1


@pytest.mark.skipif(
    not FACES.is_dir(), reason="the photographs (../shared/data/faces) are not here"
)
def test_couple_shows_two_faces_in_the_pictures_own_pixels() -> None:
    picture = load_picture(FACES / "couple.jpg")
    faces = CascadeFaceDetector().detect(picture)
    assert len(faces) == 2
    for face in faces:
        assert 0.65 <= face.confidence <= 1
        assert face.landmarks is None
        assert face.box.x2 <= picture.shape[1]
        assert face.box.width > 100


def test_broken_cascade_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cascade.xml"
    path.write_text("<nothing/>")
    with pytest.raises(ModelError, match=r"cascade\.xml"):
        CascadeFaceDetector(path=path)
