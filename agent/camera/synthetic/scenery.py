"""The empty road: asphalt, markings, verge, shrubs and signs, by day and by night.

Drawn once per run; everything in it stands still, its texts included.
"""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from agent.camera.synthetic.bodies import End
from agent.camera.synthetic.fixtures import SIGN, SIGN_PLACE, SIGN_WIDTH_M
from agent.camera.synthetic.lens import Floats, Lens
from agent.camera.synthetic.platework import plate_texture
from agent.camera.synthetic.settings import Fixture
from vision.reading import Picture

_FloatImage = NDArray[np.float32]
_ROAD_EDGE_M = 2.95
_KERB_M = 0.16
_CELLS_PER_M = 6.0


def empty_road(lens: Lens, seed: int, fixtures: Collection[Fixture] = ()) -> Picture:
    """The road in daylight; of `fixtures` the sign."""
    rng = np.random.default_rng([seed, 3])
    x, z = lens.ground()
    day = _ground(x, z, rng)
    _shrubs(day, lens, rng)
    _sign(day, lens, _speed_sign(), (-3.28, 1.15, 13.6), 0.5)
    _sign(day, lens, _board(), (3.25, 0.95, 14.2), 0.62)
    if Fixture.SIGN in fixtures:
        plate = plate_texture(SIGN, End.FRONT, np.random.default_rng([seed, 6]))
        _sign(day, lens, plate, SIGN_PLACE, SIGN_WIDTH_M)
    return _clipped(np.asarray(cv2.GaussianBlur(day, (0, 0), 0.6), dtype=np.float32))


def under_a_lamp(day: Picture, lens: Lens) -> Picture:
    """The same view by night, with a street lamp."""
    x, z = lens.ground()
    lamp = 0.07 + 0.17 * np.exp(-(((x - 1.0) / 3.5) ** 2) - ((z - 12.0) / 4.5) ** 2)
    tint = np.array([0.95, 0.92, 1.06], dtype=np.float32)
    return _clipped(day * lamp.astype(np.float32)[..., None] * tint + 3.0)


def _clipped(image: _FloatImage) -> Picture:
    return np.clip(image, 0, 255).astype(np.uint8)


def _texture(x: Floats, z: Floats, rng: np.random.Generator, cells_per_m: float) -> _FloatImage:
    """Smooth noise (-1..1, about) fixed to the ground, so that it grows towards the camera."""
    grid = rng.normal(0.0, 1.0, (256, 256)).astype(np.float32)
    columns = ((x + 20.0) * cells_per_m).astype(np.float32) % 254
    rows = (z * cells_per_m).astype(np.float32) % 254
    return np.asarray(cv2.remap(grid, columns, rows, cv2.INTER_LINEAR), dtype=np.float32)


def _ground(x: Floats, z: Floats, rng: np.random.Generator) -> _FloatImage:
    coarse = _texture(x, z, rng, 0.7)
    fine = _texture(x, z, rng, 30.0)
    road = 98.0 + 5.0 * coarse + 7.0 * fine
    tracks = np.exp(-(((np.abs(np.abs(x) - 1.5) - 0.75) / 0.22) ** 2))
    road = road - 8.0 * tracks
    image = np.stack([road * 1.0, road * 0.99, road * 0.97], axis=-1)
    worn = 1.0 + 0.06 * _texture(x, z, rng, 14.0)[..., None]
    white = np.array([205.0, 210.0, 212.0]) * worn
    dashes = (np.abs(x) < 0.06) & ((z % 3.0) < 1.7)
    edges = np.abs(np.abs(x) - 2.75) < 0.05
    image = np.where((dashes | edges)[..., None], white, image)
    kerb = (np.abs(x) >= _ROAD_EDGE_M) & (np.abs(x) < _ROAD_EDGE_M + _KERB_M)
    stone = np.array([150.0, 155.0, 158.0]) + 6.0 * fine[..., None]
    stone = np.where((z % 1.0 < 0.03)[..., None], stone * 0.6, stone)
    image = np.where(kerb[..., None], stone, image)
    grass = (
        np.array([48.0, 98.0, 78.0])
        * (1.0 + 0.22 * _texture(x, z, rng, 22.0) + 0.14 * _texture(x, z, rng, 4.0))[..., None]
    )
    verge = np.abs(x) >= _ROAD_EDGE_M + _KERB_M
    return np.where(verge[..., None], grass, image).astype(np.float32)


def _shrubs(image: _FloatImage, lens: Lens, rng: np.random.Generator) -> None:
    """Bushes beside the road: many dark and light leaves around a few middles."""
    for _ in range(9):
        side = float(rng.choice([-1.0, 1.0]))
        middle = np.array([side * rng.uniform(3.7, 5.4), 0.3, rng.uniform(8.0, 17.0)])
        spread = np.array([0.28, 0.22, 0.28])
        leaves = middle + rng.normal(0.0, 1.0, (260, 3)) * spread
        shade = np.clip(0.55 + 0.9 * (leaves[:, 1] - 0.1), 0.3, 1.3)
        order = np.argsort(leaves[:, 1])
        pixels = lens.project(leaves)
        for index in order:
            u, v = pixels[index]
            size = float(rng.uniform(4.0, 11.0)) * lens.scale
            colour = np.array([38.0, 92.0, 62.0]) * shade[index] * rng.uniform(0.8, 1.2)
            cv2.ellipse(
                image,
                (round(float(u)), round(float(v))),
                (max(1, round(size)), max(1, round(size * 0.6))),
                float(rng.uniform(0, 180)),
                0,
                360,
                tuple(float(c) for c in colour),
                -1,
                cv2.LINE_AA,
            )


def _speed_sign() -> Picture:
    image = Image.new("RGB", (240, 240), (78, 98, 48))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, 236, 236), fill=(200, 30, 34))
    draw.ellipse((34, 34, 206, 206), fill=(245, 245, 245))
    font = ImageFont.load_default(size=120)
    draw.text((120, 122), "30", font=font, fill=(15, 15, 15), anchor="mm", stroke_width=4)
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8)[:, :, ::-1])


def _board() -> Picture:
    image = Image.new("RGB", (300, 180), (30, 70, 150))
    draw = ImageDraw.Draw(image)
    draw.rectangle((6, 6, 293, 173), outline=(240, 240, 240), width=4)
    font = ImageFont.load_default(size=48)
    for line, y in (("PRIVATE", 58), ("ROAD", 122)):
        draw.text((150, y), line, font=font, fill=(240, 240, 240), anchor="mm", stroke_width=2)
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8)[:, :, ::-1])


def _sign(
    image: _FloatImage, lens: Lens, face: Picture, place: tuple[float, float, float], width_m: float
) -> None:
    """A sign on a post; `place` is the middle of its upper edge."""
    x, top, z = place
    height, width = face.shape[:2]
    bottom = top - width_m * height / width
    half = width_m / 2
    post = lens.project(np.array([[x, bottom, z], [x, 0.0, z]]))
    cv2.line(
        image,
        (round(float(post[0, 0])), round(float(post[0, 1]))),
        (round(float(post[1, 0])), round(float(post[1, 1]))),
        (120.0, 122.0, 124.0),
        max(2, round(11 * lens.scale)),
        cv2.LINE_AA,
    )
    corners = np.array(
        [[x - half, top, z], [x + half, top, z], [x + half, bottom, z], [x - half, bottom, z]]
    )
    target = lens.project(corners).astype(np.float32)
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    size = (lens.width, lens.height)
    drawn = cv2.warpPerspective(face.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    outline = _round_outline(width, height) if width == height else np.ones((height, width))
    mask = cv2.warpPerspective(outline.astype(np.float32), matrix, size)[..., None]
    image[:] = image * (1.0 - mask) + drawn * mask


def _round_outline(width: int, height: int) -> NDArray[np.float32]:
    outline = np.zeros((height, width), dtype=np.float32)
    cv2.circle(outline, (width // 2, height // 2), width // 2 - 3, 1.0, -1, cv2.LINE_AA)
    return outline
