"""What the live picture shows, and what it hides."""

from __future__ import annotations

from datetime import UTC, datetime

import cv2
import numpy as np

from agent.camera.frame import Frame
from agent.pipeline.sighting import PlateInView
from agent.web.video import LARGEST_WIDTH, coarse_jpeg, drawn_jpeg
from vision.geometry import Box
from vision.reading import Picture

PLATE = PlateInView(
    text="AB1234", confidence=0.9, box=Box(x1=600, y1=400, x2=720, y2=430), is_sure=True
)


def _frame(width: int = 1280, height: int = 720) -> Frame:
    """A street of fine lines, on which any blur shows."""
    picture: Picture = np.full((height, width, 3), 90, np.uint8)
    picture[:, ::4] = 200
    return Frame(picture=picture, captured_at=datetime.now(UTC), at_s=0.0, number=0)


def _shown(content: bytes) -> Picture:
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def test_a_plate_is_framed_where_it_is_and_the_frame_itself_is_left_alone() -> None:
    frame = _frame()
    before = frame.picture.copy()
    picture = _shown(drawn_jpeg(frame, [PLATE]))
    scale = LARGEST_WIDTH / 1280
    blue, green, red = picture[round(415 * scale), round(596 * scale)].astype(int)
    assert green > blue + 40
    assert green > red + 40
    assert picture.shape == (540, LARGEST_WIDTH, 3)
    assert np.array_equal(frame.picture, before)


def test_a_small_frame_is_not_enlarged_and_not_written_into() -> None:
    frame = _frame(320, 180)
    before = frame.picture.copy()
    assert _shown(drawn_jpeg(frame, [PLATE])).shape == (180, 320, 3)
    assert np.array_equal(frame.picture, before)


def test_a_plate_that_the_font_does_not_know_is_framed_without_its_text() -> None:
    thai = PlateInView(text="1กก 1234", confidence=0.9, box=PLATE.box, is_sure=False)
    assert _shown(drawn_jpeg(_frame(), [thai])).shape[1] == LARGEST_WIDTH


def test_a_coarse_picture_shows_no_detail() -> None:
    frame = _frame()
    fine, coarse = _shown(drawn_jpeg(frame, [])), _shown(coarse_jpeg(frame))
    grey = [np.asarray(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY), np.uint8) for one in (fine, coarse)]
    assert coarse.shape == fine.shape
    assert grey[0].std() > 10
    assert grey[1].std() < 3
