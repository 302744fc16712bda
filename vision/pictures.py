"""Picture files in and out: decodes honestly into BGR, encodes JPEG. Never detects anything."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from vision.errors import BadPicture
from vision.reading import Picture

MOST_PIXELS = 100_000_000
"""Larger pictures are refused before decoding: 100 megapixels take 300 MB as BGR."""

MOST_BYTES = 200 * 1024 * 1024
"""Larger files are refused unread."""

LONGEST_SIDE = 32_766
"""OpenCV lays no picture upright that is longer."""

LEAST_SIDE = 2
"""Smaller pictures hold nothing to look at and break the resizing of detectors."""

PICTURE_SUFFIXES = frozenset(
    {
        ".avif",
        ".bmp",
        ".gif",
        ".jp2",
        ".jpeg",
        ".jpg",
        ".pgm",
        ".png",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    }
)

_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_UPRIGHT = 1
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By EXIF's orientation (CIPA DC-008, section 4.6.4 A)."""


_DAMAGED = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError),
    *(TypeError, OverflowError, RuntimeError, struct.error),
)
"""What Pillow's decoders let out on damaged files (that of AVIF: RuntimeError)."""


def load_picture(path: Path) -> Picture:
    """The picture in a file; raises `BadPicture` naming the file and what is wrong."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise BadPicture(f"{path}: {size} bytes, expected at most {MOST_BYTES}")
        data = path.read_bytes()
    except OSError as error:
        raise BadPicture(f"{path}: cannot be read ({error.strerror or error})") from error
    return decode_picture(data, name=str(path))


def decode_picture(data: bytes, *, name: str = "picture") -> Picture:
    """The picture in `data` (any format that Pillow knows): (height, width, 3), blue green red.

    Turned upright by its EXIF orientation; 16 bits scaled to 8 by the top byte; palettes, CMYK
    and grey converted; transparency laid over black; of an animation the first frame. Raises
    `BadPicture` (with `name` in front) for what is no picture, truncated or too large.
    """
    if not data:
        raise BadPicture(f"{name}: the file is empty")
    try:
        with warnings.catch_warnings():
            # Our own limit is checked below, on the size in the header, before any decoding.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
            _check_size(image.size, name)
            image.load()
            return _bgr(_upright(image))
    except UnidentifiedImageError as error:
        raise BadPicture(f"{name}: no picture in a known format") from error
    except Image.DecompressionBombError as error:
        raise BadPicture(f"{name}: too many pixels, at most {MOST_PIXELS} are taken") from error
    except _DAMAGED as error:
        raise BadPicture(f"{name}: damaged or truncated ({error})") from error


def picture_fault(picture: object) -> str | None:
    """Why that is no `Picture` to look at, with what was expected; None where it is one."""
    if not isinstance(picture, np.ndarray):
        return f"a {type(picture).__name__}, expected an array of pixels"
    if picture.dtype != np.uint8:
        return f"pixels of {picture.dtype}, expected uint8"
    if picture.ndim != 3 or picture.shape[2] != 3:
        return f"an array of shape {picture.shape}, expected (height, width, 3)"
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_SIDE or height * width > MOST_PIXELS:
        return f"{width}x{height} pixels, expected {LEAST_SIDE} a side to {MOST_PIXELS} in all"
    return None


def encode_jpeg(picture: Picture, *, width: int, height: int, quality: int) -> bytes:
    """A JPEG of `picture` that fits within `width` x `height`, at `quality` 1..100.

    The proportions stay; a picture that fits already is not enlarged.
    """
    rows, columns = picture.shape[:2]
    ratio = min(1.0, width / columns, height / rows)
    if ratio < 1.0:
        size = (max(1, round(columns * ratio)), max(1, round(rows * ratio)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    encoded, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise BadPicture(f"a picture of shape {picture.shape} could not be encoded as JPEG")
    return data.tobytes()


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise BadPicture(f"{name}: {width}x{height} pixels, at most {MOST_PIXELS} are taken")
    if min(size) < LEAST_SIDE or max(size) > LONGEST_SIDE:
        raise BadPicture(
            f"{name}: {width}x{height} pixels, expected {LEAST_SIDE} to {LONGEST_SIDE} a side"
        )


def _upright(image: Image.Image) -> Image.Image:
    """As it lies where its EXIF is damaged. Pillow's own way writes all of that anew, and fails on
    what a camera wrote of itself in another type than it should."""
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, _UPRIGHT))
    except (OSError, ValueError, SyntaxError, TypeError, LookupError, struct.error):
        return image
    return image if turn is None else image.transpose(turn)


def _bgr(image: Image.Image) -> Picture:
    if image.mode in _SIXTEEN_BIT or image.mode in ("I", "F"):
        grey = _eight_bit(np.asarray(image))
        return np.ascontiguousarray(np.repeat(grey[..., np.newaxis], 3, axis=2))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        backdrop = Image.new("RGBA", layer.size, (0, 0, 0, 255))
        image = Image.alpha_composite(backdrop, layer)
    rgb = np.asarray(image.convert("RGB"), dtype=np.uint8)
    return np.ascontiguousarray(rgb[..., ::-1])


def _eight_bit(values: np.ndarray) -> np.ndarray:
    """16-bit samples by their top byte; 32-bit and float ones by the range that they use."""
    if values.dtype in (np.dtype(np.uint16), np.dtype(">u2")):
        return np.asarray(values.astype(np.uint16) >> 8, dtype=np.uint8)
    numbers = values.astype(np.float64)
    if numbers.min() >= 0 and numbers.max() <= 65535 and values.dtype.kind == "i":
        return np.asarray(numbers / 257.0 if numbers.max() > 255 else numbers, dtype=np.uint8)
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    spread = (high - low) or 1.0
    return np.asarray(np.nan_to_num((numbers - low) / spread) * 255, dtype=np.uint8)
