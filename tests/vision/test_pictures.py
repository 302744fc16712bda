"""Decoding is honest about every kind of picture, and bad ones are named."""

from __future__ import annotations

import contextlib
import io
import re
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vision.errors import BadPicture
from vision.pictures import decode_picture, encode_jpeg, load_picture, picture_fault

RED, BLUE = (255, 0, 0), (0, 0, 255)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def half_red_half_blue() -> Image.Image:
    image = Image.new("RGB", (40, 20), RED)
    image.paste(BLUE, (20, 0, 40, 20))
    return image


def test_channels_are_blue_green_red() -> None:
    picture = decode_picture(saved(half_red_half_blue(), "PNG"))
    assert picture.shape == (20, 40, 3)
    assert picture.dtype == np.uint8
    assert picture[10, 5].tolist() == [0, 0, 255]
    assert picture[10, 35].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("orientation", "shape", "red_at"),
    [
        (1, (20, 40), (10, 5)),
        (3, (20, 40), (10, 35)),
        (6, (40, 20), (5, 10)),
        (8, (40, 20), (35, 10)),
    ],
)
def test_exif_orientation_is_applied(
    orientation: int, shape: tuple[int, int], red_at: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode_picture(saved(half_red_half_blue(), "PNG", exif=exif.tobytes()))
    assert picture.shape[:2] == shape
    assert picture[red_at].tolist() == [0, 0, 255]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_exif_says_in_a_wrong_type_does_not_break_the_picture(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, "camera"
    block, model, rational = exif.tobytes(), struct.pack(">HH", 0x0110, 2), b"\x00\x05"
    assert model in block
    wrong = block.replace(model, model[:2] + rational) + bytes(64)
    assert decode_picture(saved(half_red_half_blue(), kind, exif=wrong)).shape[:2] == (40, 20)


@pytest.mark.parametrize("size", [(40_000, 2), (2, 40_000)])
def test_a_picture_longer_than_can_be_looked_into_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(BadPicture, match="expected 2 to 32766 a side"):
        decode_picture(saved(Image.new("L", size), "PNG"))


def test_sixteen_bits_keep_their_brightness() -> None:
    values = np.full((8, 8), 0x80FF, dtype=np.uint16)
    picture = decode_picture(saved(Image.fromarray(values), "PNG"))
    assert picture.shape == (8, 8, 3)
    assert np.unique(picture).tolist() == [0x80]


@pytest.mark.parametrize("level", [3, 200, 40000])
def test_sixteen_bit_scale_does_not_depend_on_the_brightest_pixel(level: int) -> None:
    values = np.full((8, 8), level, dtype=np.uint16)
    picture = decode_picture(saved(Image.fromarray(values), "TIFF"))
    assert np.unique(picture).tolist() == [level >> 8]


def test_cmyk_becomes_its_colour() -> None:
    picture = decode_picture(saved(half_red_half_blue().convert("CMYK"), "TIFF"))
    assert picture[10, 5, 2] > 200
    assert picture[10, 5, 0] < 60


def test_palette_becomes_its_colour() -> None:
    picture = decode_picture(saved(half_red_half_blue().convert("P"), "GIF"))
    assert picture[10, 5, 2] > 200


def test_transparency_lies_over_black() -> None:
    image = Image.new("RGBA", (10, 10), (255, 255, 255, 0))
    assert decode_picture(saved(image, "PNG")).max() == 0


def test_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (10, 10), RED), Image.new("RGB", (10, 10), BLUE)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert decode_picture(data)[5, 5, 2] > 200


def test_truncated_jpeg_is_refused_by_name() -> None:
    data = saved(Image.effect_noise((300, 200), 50).convert("RGB"), "JPEG")
    with pytest.raises(BadPicture, match=r"gate\.jpg: damaged or truncated"):
        decode_picture(data[: len(data) // 2], name="gate.jpg")


def test_damaged_avif_is_refused_by_name() -> None:
    data = io.BytesIO()
    Image.new("RGB", (64, 48), (10, 200, 90)).save(data, "AVIF")
    damaged = data.getvalue().replace(b"iloc", b"ilox")
    with pytest.raises(BadPicture, match=r"gate\.avif: damaged"):
        decode_picture(damaged, name="gate.avif")


def test_text_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "truth.jpg"
    path.write_text("file,x,y\n")
    with pytest.raises(BadPicture, match=r"truth\.jpg: no picture in a known format"):
        load_picture(path)


def test_empty_and_missing_files_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    with pytest.raises(BadPicture, match="empty"):
        load_picture(empty)
    with pytest.raises(BadPicture, match="No such file"):
        load_picture(tmp_path / "none.jpg")


def test_decompression_bomb_is_refused_by_its_header() -> None:
    bomb = saved(Image.new("1", (30000, 30000)), "PNG")
    assert len(bomb) < 1_000_000
    with pytest.raises(BadPicture, match="pixels"):
        decode_picture(bomb)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 900), junk=st.binary(max_size=40))
def test_damaged_bytes_never_raise_anything_else(cut: int, junk: bytes) -> None:
    data = saved(half_red_half_blue(), "PNG")
    at = cut % len(data)
    damaged = data[:at] + junk + data[at + len(junk) :]
    with contextlib.suppress(BadPicture):
        assert decode_picture(damaged).ndim == 3


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(2, 900), st.integers(2, 900)),
    limit=st.tuples(st.integers(8, 640), st.integers(8, 480)),
)
def test_encoded_jpeg_fits_and_keeps_its_proportions(
    size: tuple[int, int], limit: tuple[int, int]
) -> None:
    picture = np.full((size[1], size[0], 3), 127, dtype=np.uint8)
    data = encode_jpeg(picture, width=limit[0], height=limit[1], quality=75)
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    height, width = back.shape[:2]
    assert width <= limit[0]
    assert height <= limit[1]
    ratio = min(1.0, limit[0] / size[0], limit[1] / size[1])
    assert abs(width - max(1, size[0] * ratio)) <= 1
    assert abs(height - max(1, size[1] * ratio)) <= 1


def test_lower_quality_takes_fewer_bytes() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    sizes = [len(encode_jpeg(noise, width=640, height=480, quality=q)) for q in (90, 40)]
    assert sizes[0] > 1.5 * sizes[1]


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (None, "NoneType"),
        (np.zeros((4, 4, 3), np.float32), "float32, expected uint8"),
        (np.zeros((4, 4), np.uint8), r"\(4, 4\), expected \(height, width, 3\)"),
        (np.zeros((4, 4, 4), np.uint8), r"\(4, 4, 4\)"),
        (np.zeros((1, 40, 3), np.uint8), "40x1 pixels"),
    ],
)
def test_what_is_no_picture_is_told_with_what_was_expected(thing: object, said: str) -> None:
    assert re.search(said, picture_fault(thing) or "")


def test_a_picture_has_no_fault() -> None:
    assert picture_fault(np.zeros((2, 2, 3), np.uint8)) is None
