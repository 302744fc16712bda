"""What is blurred cannot be recognised, and the rest of the picture stays as it was."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.vision.plates.rendered import scene
from vision.blurring import CELLS, blurred
from vision.geometry import Box
from vision.plates.reader import EmbeddedPlateReader


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)


def test_rest_of_the_picture_stays_and_the_given_one_is_left_alone() -> None:
    picture = noise()
    before = picture.copy()
    hidden = blurred(picture, [Box(x1=100, y1=50, x2=160, y2=110)])
    assert np.array_equal(picture, before)
    outside = np.ones((200, 300), dtype=bool)
    outside[41:119, 91:169] = False
    assert np.array_equal(hidden[outside], picture[outside])
    assert not np.array_equal(hidden[50:110, 100:160], picture[50:110, 100:160])


def test_nothing_is_left_but_the_mean_of_each_cell() -> None:
    cell_px = 20
    picture = np.random.default_rng(0).integers(
        0, 256, (CELLS * cell_px, 2 * CELLS * cell_px, 3), dtype=np.uint8
    )
    means = picture.reshape(CELLS, cell_px, 2 * CELLS, cell_px, 3).mean(axis=(1, 3))
    flat = np.repeat(np.repeat(means, cell_px, axis=0), cell_px, axis=1).round().astype(np.uint8)
    everything = [Box(x1=0, y1=0, x2=picture.shape[1], y2=picture.shape[0])]
    hidden, from_means = blurred(picture, everything), blurred(flat, everything)
    assert np.abs(hidden.astype(int) - from_means.astype(int)).max() <= 1


@pytest.mark.parametrize(
    "box",
    [
        Box(x1=-50, y1=-50, x2=20, y2=20),
        Box(x1=290, y1=190, x2=900, y2=900),
        Box(x1=500, y1=0, x2=600, y2=50),
        Box(x1=10, y1=10, x2=10, y2=10),
    ],
)
def test_boxes_at_and_beyond_the_edge_are_no_trouble(box: Box) -> None:
    assert blurred(noise(), [box]).shape == (200, 300, 3)


def test_plate_cannot_be_read_any_more(plate_reader: Callable[..., EmbeddedPlateReader]) -> None:
    picture = scene(("RK 755AJ", 200, 200, 140))
    reader = plate_reader("eu")
    (plate,) = reader.read(picture).plates
    hidden = reader.read(blurred(picture, [plate.box]))
    assert hidden.plates == ()
