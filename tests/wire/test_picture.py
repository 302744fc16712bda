"""Pictures told from what only looks like one, without decoding a pixel."""

from __future__ import annotations

import struct
import time
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.wire.examples import PICTURE
from wire.picture import PictureFacts, PictureRefused, inspect_picture


def scene(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Noise over a gradient, so that the coded data has every byte value in it."""
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[:, :, 0] = np.linspace(0, 255, width, dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    target = BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def opencv(extension: str, *options: int) -> bytes:
    pixels = np.asarray(scene(96, 64))
    is_coded, content = cv2.imencode(extension, pixels, list(options))
    assert is_coded
    return content.tobytes()


def with_exif() -> bytes:
    """With a thumbnail in its EXIF block, which has markers and an end marker of its own."""
    exif = Image.Exif()
    exif[0x0110] = "camera"
    block = exif.tobytes() + b"thumbnail" + encoded(scene(16, 16))
    return encoded(scene(96, 64), exif=block)


JPEGS = {
    "OpenCV": opencv(".jpg"),
    "OpenCV progressive": opencv(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "OpenCV optimised": opencv(".jpg", cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    "OpenCV with restarts": opencv(".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "Pillow": encoded(scene(96, 64)),
    "Pillow progressive": encoded(scene(96, 64), progressive=True),
    "Pillow gray": encoded(scene(96, 64, "L")),
    "Pillow CMYK": encoded(scene(96, 64, "CMYK")),
    "Pillow 4:4:4": encoded(scene(96, 64), subsampling=0, quality=95),
    "Pillow with EXIF and thumbnail": with_exif(),
    "Pillow with comment": encoded(scene(96, 64), comment=b"a \xff\xd9 in a comment"),
    "with bytes behind its end": encoded(scene(96, 64)) + b"trailer",
}
PNGS = {
    "OpenCV": opencv(".png"),
    "Pillow": encoded(scene(96, 64), "PNG"),
    "Pillow gray": encoded(scene(96, 64, "L"), "PNG"),
    "Pillow with palette": encoded(scene(96, 64, "P"), "PNG"),
    "with bytes behind its end": encoded(scene(96, 64), "PNG") + b"t" * 100,
}
SMALL = {
    "baseline": encoded(scene(10, 8)),
    "progressive": encoded(scene(10, 8), progressive=True),
    "gray": PICTURE,
    "thumbnail": encoded(scene(10, 8), exif=b"Exif\0\0" + encoded(scene(8, 8))),
    "restarts": cv2.imencode(".jpg", np.asarray(scene(24, 16)), [cv2.IMWRITE_JPEG_RST_INTERVAL, 1])[
        1
    ].tobytes(),
    "end marker in a table between scans": b"",
    "PNG": encoded(scene(10, 8), "PNG"),
}


def inspected(content: bytes, max_bytes: int = 10**7, max_pixels: int = 10**8) -> PictureFacts:
    return inspect_picture(content, max_bytes=max_bytes, max_pixels=max_pixels)


def with_comment_between_scans() -> bytes:
    """Progressive, with an end marker inside a comment before its second scan."""
    content = encoded(scene(10, 8), progressive=True)
    second = content.index(b"\xff\xda", content.index(b"\xff\xda") + 2)
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 4) + b"\xff\xd9\xff\xd9"
    return content[:second] + comment + content[second:]


SMALL["end marker in a table between scans"] = with_comment_between_scans()


@pytest.mark.parametrize("name", JPEGS)
def test_jpeg_of_real_encoders_is_taken_with_its_size(name: str) -> None:
    assert inspected(JPEGS[name]) == PictureFacts(media_type="image/jpeg", width=96, height=64)


@pytest.mark.parametrize("name", PNGS)
def test_png_of_real_encoders_is_taken_with_its_size(name: str) -> None:
    assert inspected(PNGS[name]) == PictureFacts(media_type="image/png", width=96, height=64)


@pytest.mark.parametrize("name", SMALL)
def test_picture_cut_at_any_byte_is_refused(name: str) -> None:
    content = SMALL[name]
    inspected(content)
    for length in range(len(content)):
        with pytest.raises(PictureRefused):
            inspected(content[:length])


@given(st.binary(max_size=300))
def test_junk_is_refused(content: bytes) -> None:
    for magic in (b"", b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"):
        with pytest.raises(PictureRefused):
            inspected(magic + content)


@given(st.sampled_from(sorted(SMALL)), st.integers(0, 10**6), st.binary(min_size=1, max_size=3))
def test_damaged_picture_is_taken_or_refused_and_nothing_else(
    name: str, place: int, put: bytes
) -> None:
    content = SMALL[name]
    at = place % len(content)
    try:
        facts = inspected(content[:at] + put + content[at + len(put) :])
    except PictureRefused:
        return
    assert facts.width > 0
    assert facts.height > 0


def test_fill_bytes_before_markers_are_allowed() -> None:
    """T.81, B.1.1.2: any marker may be preceded by any number of bytes 0xFF."""
    content = encoded(scene(10, 8))
    filled = content.replace(b"\xff\xdb", b"\xff\xff\xff\xdb", 1)
    filled = filled[:-2] + b"\xff\xff" + filled[-2:]
    assert inspected(filled).width == 10


def frame_size_changed(content: bytes, height: int, width: int) -> bytes:
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def test_huge_dimensions_are_refused_by_the_header_alone() -> None:
    content = frame_size_changed(encoded(scene(10, 8)), 65_535, 65_535)
    with pytest.raises(PictureRefused, match="65535x65535 pixels, at most 50000000"):
        inspected(content, max_pixels=50_000_000)
    png = encoded(scene(10, 8), "PNG")
    wide = png[:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + png[24:]
    with pytest.raises(PictureRefused, match="pixels, at most"):
        inspected(wide)


@pytest.mark.parametrize(("height", "width"), [(0, 10), (8, 0), (0, 0)])
def test_picture_without_dimensions_is_refused(height: int, width: int) -> None:
    with pytest.raises(PictureRefused, match="without dimensions"):
        inspected(frame_size_changed(encoded(scene(10, 8)), height, width))
    png = encoded(scene(10, 8), "PNG")
    with pytest.raises(PictureRefused, match="without dimensions"):
        inspected(png[:16] + struct.pack(">II", width, height) + png[24:])


def test_second_frame_header_cannot_hide_the_first() -> None:
    content = encoded(scene(10, 8))
    start = content.index(b"\xff\xc0")
    header = content[start : start + 2 + int.from_bytes(content[start + 2 : start + 4], "big")]
    with pytest.raises(PictureRefused, match="two frame headers"):
        inspected(content[:start] + header + content[start:])


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(PictureRefused, match=r"bytes, at most 100 are taken"):
        inspected(PICTURE, max_bytes=100)
    assert inspected(PICTURE, max_bytes=len(PICTURE)).width == 8


SMALL_FRAME = b"\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "neither JPEG nor PNG: starts with nothing"),
        (b"GIF89a" + bytes(50), "neither JPEG nor PNG: starts with 47 49 46 38"),
        (b"\xff\xd8", "damaged at byte 2"),
        (b"\xff\xd8\xff\xd9", "ends before its picture data"),
        (b"\xff\xd8\xff\xe0\x00\x01", "runs over the end"),
        (b"\xff\xd8\xff\xe0\xff\xff", "runs over the end"),
        (b"\xff\xd8\xff\xc0\x00\x05\x08\x00\x08", "frame header is too short"),
        (b"\xff\xd8\xff\xda\x00\x02\xff\xd9", "without dimensions"),
        (b"\xff\xd8" + SMALL_FRAME + b"\xff\xda\x00\x02", "without its end marker"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "without its header"),
    ],
)
def test_refusal_says_what_is_wrong(content: bytes, said: str) -> None:
    with pytest.raises(PictureRefused, match=said):
        inspected(content)


HOSTILE = {
    "empty segments": b"\xff\xd8" + b"\xff\xfe\x00\x02" * 1_200_000,
    "fill bytes": b"\xff\xd8" + b"\xff" * 5_000_000,
    "restart markers": b"\xff\xd8" + b"\xff\xd0" * 2_400_000,
    "stuffed bytes": SMALL["progressive"][:-2] + b"\xff\x00" * 2_400_000,
    "empty scans": SMALL["progressive"][:-2] + b"\xff\xfe\x00\x02" * 1_200_000,
    "PNG chunks": SMALL["PNG"][:-12] + bytes(12) * 400_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_costs_little(name: str) -> None:
    """Five megabytes made to be walked in small steps; the bound is generous, not a benchmark."""
    began_s = time.process_time()
    with pytest.raises(PictureRefused):
        inspected(HOSTILE[name])
    refused_s = time.process_time()
    sum(byte == 0 for byte in HOSTILE[name][::4])
    assert refused_s - began_s < 20 * (time.process_time() - refused_s)


@pytest.mark.parametrize(
    ("marker", "offset", "value", "words"),
    [
        (b"\xff\xdb", 1, 0x08, "reserved marker 0x08"),
        (b"\xff\xdb", 1, 0xDE, "hierarchical, marker 0xde"),
        (b"\xff\xdb", 4, 0x20, "quantisation table of kind 0x20"),
        (b"\xff\xdb", 4, 0x10, "quantisation table is cut off"),
        (b"\xff\xc0", 4, 0xC2, "components of 194 bits"),
        (b"\xff\xc0", 9, 0x02, "with 2 components"),
    ],
)
def test_a_jpeg_whose_header_no_reader_takes_is_refused(
    marker: bytes, offset: int, value: int, words: str
) -> None:
    """Found by benchmarks.fuzz_ingest."""
    output = BytesIO()
    Image.new("RGB", (64, 48), (9, 9, 9)).save(output, "JPEG")
    content = bytearray(output.getvalue())
    content[content.index(marker) + offset] = value
    with pytest.raises(PictureRefused, match=words):
        inspect_picture(bytes(content), max_bytes=5_000_000, max_pixels=50_000_000)
