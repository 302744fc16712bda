"""Vehicle shapes as meshes: quadrilaterals with a colour role and a normal.

A body's own coordinates: x right as the camera sees it, y up from the road, z away from the
camera, 0 at the end that faces it; metres. One mesh for each end that can face the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import pairwise

import numpy as np

from agent.camera.synthetic.lens import Floats
from agent.camera.synthetic.registration import Region

_SILL_M = 0.22
_COLUMNS = np.array(
    [-1.0, -0.92, -0.78, -0.62, -0.45, -0.27, -0.09, 0.09, 0.27, 0.45, 0.62, 0.78, 0.92, 1.0]
)
_BULGE_M = 0.16  # how far the middle of an end stands out before its corners


class End(Enum):
    FRONT = "front"
    REAR = "rear"


class Role(Enum):
    """What a face is made of; the renderer knows its colour by day and by night."""

    PAINT = "paint"
    GLASS = "glass"
    TRIM = "trim"
    TYRE = "tyre"
    RIM = "rim"
    HEADLAMP = "headlamp"
    TAIL_LAMP = "tail_lamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A flat polygon: corners (n, 3), outward unit normal (3,)."""

    role: Role
    corners: Floats
    normal: Floats


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body by its side view: (z, y) from the front bumper over the roof to the rear bumper.

    `glass_m` are the stretches of z that are windscreen and rear window.
    """

    name: str
    width_m: float
    belt_m: float
    outline: tuple[tuple[float, float], ...]
    glass_m: tuple[tuple[float, float], ...]
    plate_front_m: float
    plate_rear_m: float

    @property
    def length_m(self) -> float:
        return max(z for z, _ in self.outline)

    @property
    def roof_m(self) -> float:
        return max(y for _, y in self.outline)

    def half_width(self, y: float) -> float:
        """Bodies narrow above the belt line."""
        above = max(0.0, y - self.belt_m) / max(0.2, self.roof_m - self.belt_m)
        return self.width_m / 2 * (1.0 - 0.2 * above)

    def plate_corners(self, end: End, region: Region) -> Floats:
        """Corners (4, 3) of the plate: top left, top right, bottom right, bottom left."""
        width, height = PLATE_SIZE_M[region]
        y = self.plate_front_m if end is End.FRONT else self.plate_rear_m
        z = min(surface_z(self, end, 0.0, y + h) for h in (-height / 2, height / 2)) - 0.025
        half, top, bottom = width / 2, y + height / 2, y - height / 2
        return np.array([[-half, top, z], [half, top, z], [half, bottom, z], [-half, bottom, z]])


PLATE_SIZE_M: dict[Region, tuple[float, float]] = {
    Region.DE: (0.52, 0.11),
    Region.FR: (0.52, 0.11),
    Region.IT: (0.52, 0.11),
    Region.PL: (0.52, 0.114),
    Region.ES: (0.52, 0.11),
    Region.GB: (0.52, 0.111),
    Region.US: (0.35, 0.175),  # 12 x 6 inches in their holder, drawn up to its edge
    Region.BR: (0.40, 0.13),
    Region.TH: (0.34, 0.15),
}

BODIES: tuple[Body, ...] = (
    Body(
        name="saloon",
        width_m=1.80,
        belt_m=0.96,
        outline=(
            (0.10, 0.22),
            (0.00, 0.42),
            (0.05, 0.70),
            (0.35, 0.82),
            (1.15, 0.97),
            (1.85, 1.38),
            (2.30, 1.44),
            (2.90, 1.40),
            (3.65, 1.04),
            (4.25, 0.98),
            (4.42, 0.70),
            (4.45, 0.48),
            (4.36, 0.24),
        ),
        glass_m=((1.22, 1.80), (3.02, 3.58)),
        plate_front_m=0.44,
        plate_rear_m=0.74,
    ),
    Body(
        name="hatchback",
        width_m=1.74,
        belt_m=0.98,
        outline=(
            (0.10, 0.22),
            (0.00, 0.44),
            (0.06, 0.74),
            (0.30, 0.84),
            (0.95, 1.00),
            (1.60, 1.42),
            (2.20, 1.48),
            (3.20, 1.44),
            (3.72, 1.06),
            (3.90, 0.80),
            (3.95, 0.50),
            (3.85, 0.24),
        ),
        glass_m=((1.02, 1.55), (3.28, 3.68)),
        plate_front_m=0.45,
        plate_rear_m=0.66,
    ),
    Body(
        name="suv",
        width_m=1.88,
        belt_m=1.12,
        outline=(
            (0.10, 0.26),
            (0.00, 0.50),
            (0.03, 0.86),
            (0.25, 1.00),
            (1.10, 1.12),
            (1.70, 1.58),
            (2.30, 1.66),
            (3.80, 1.62),
            (4.28, 1.16),
            (4.44, 0.90),
            (4.48, 0.56),
            (4.38, 0.28),
        ),
        glass_m=((1.16, 1.64), (3.88, 4.24)),
        plate_front_m=0.52,
        plate_rear_m=0.80,
    ),
    Body(
        name="van",
        width_m=1.92,
        belt_m=1.18,
        outline=(
            (0.10, 0.26),
            (0.00, 0.50),
            (0.05, 0.92),
            (0.30, 1.06),
            (0.70, 1.18),
            (1.35, 1.82),
            (1.90, 1.92),
            (4.20, 1.90),
            (4.52, 1.80),
            (4.60, 1.10),
            (4.62, 0.56),
            (4.54, 0.28),
        ),
        glass_m=((0.76, 1.30), (4.53, 4.585)),
        plate_front_m=0.52,
        plate_rear_m=0.72,
    ),
)


def _smoothed(outline: tuple[tuple[float, float], ...]) -> Floats:
    """Corners cut once at a quarter of each side (Chaikin 1974), ends kept."""
    points = np.array(outline)
    cut = np.empty((2 * (len(points) - 1), 2))
    cut[0::2] = 0.8 * points[:-1] + 0.2 * points[1:]
    cut[1::2] = 0.2 * points[:-1] + 0.8 * points[1:]
    return np.vstack([points[:1], cut, points[-1:]])


@cache
def _profile(body: Body, end: End) -> Floats:
    """The smoothed side view (n, 2) from the end that faces the camera to the other."""
    outline = _smoothed(body.outline)
    if end is End.REAR:
        outline = np.stack([body.length_m - outline[:, 0], outline[:, 1]], axis=1)[::-1]
    return outline


def surface_z(body: Body, end: End, x: float, y: float) -> float:
    """Where the end that faces the camera has its surface, at a height below its top edge."""
    profile = _profile(body, end)
    rising = profile[: int(np.argmax(profile[:, 1] > body.belt_m)) + 1]
    z = float(np.interp(y, rising[:, 1], rising[:, 0]))
    return z + _bulge(x / (body.width_m / 2), z, body.length_m)


def _bulge(fraction: float, z: float, length: float) -> float:
    reach = length * 0.28
    near = max(0.0, 1.0 - z / reach)
    far = max(0.0, 1.0 - (length - z) / reach)
    return _BULGE_M * fraction**2 * (near - far)


def _point(body: Body, fraction: float, z: float, y: float) -> Floats:
    crown = 0.04 * fraction**4 if y > 0.6 else 0.0
    return np.array(
        [
            fraction * body.half_width(y),
            y - crown,
            z + _bulge(fraction, z, body.length_m),
        ]
    )


def _face(body: Body, role: Role, corners: list[Floats]) -> Face | None:
    """A face whose normal points away from the body's inside; None where it has no area."""
    array = np.array(corners)
    normal = np.cross(array[2] - array[0], array[1] - array[-1])
    size = float(np.linalg.norm(normal))
    if size < 1e-6:
        return None
    inside = np.array([0.0, min(0.7, body.belt_m - 0.2), body.length_m / 2])
    if float(np.dot(normal, array.mean(axis=0) - inside)) < 0:
        normal = -normal
    return Face(role=role, corners=array, normal=normal / size)


def _is_glass(body: Body, end: End, z: float, y: float) -> bool:
    from_front = z if end is End.FRONT else body.length_m - z
    return y > body.belt_m - 0.05 and any(low <= from_front <= high for low, high in body.glass_m)


def _shell(body: Body, end: End) -> list[Face | None]:
    """The strip over bumper, bonnet, roof and boot, in columns across the width."""
    profile = _profile(body, end)
    faces: list[Face | None] = []
    for (z1, y1), (z2, y2) in pairwise(profile):
        glass = _is_glass(body, end, (z1 + z2) / 2, (y1 + y2) / 2)
        for left, right in pairwise(_COLUMNS):
            is_pillar = min(abs(left), abs(right)) > 0.9
            faces.append(
                _face(
                    body,
                    Role.GLASS if glass and not is_pillar else Role.PAINT,
                    [
                        _point(body, left, z1, y1),
                        _point(body, right, z1, y1),
                        _point(body, right, z2, y2),
                        _point(body, left, z2, y2),
                    ],
                )
            )
    return faces


def _sides(body: Body, end: End) -> list[Face | None]:
    """Both flanks in layers: lower body, side windows, roof edge."""
    profile = _profile(body, end)
    layers = (
        (_SILL_M, body.belt_m + 0.03, Role.PAINT),
        (body.belt_m + 0.03, body.roof_m - 0.12, Role.GLASS),
        (body.roof_m - 0.12, body.roof_m, Role.PAINT),
    )
    faces: list[Face | None] = []
    for (z1, y1), (z2, y2) in pairwise(profile):
        for low, high, role in layers:
            if z2 - z1 < 1e-3 or max(y1, y2) <= low:
                continue
            for side in (-1.0, 1.0):
                corners = [
                    _point(body, side, z1, min(y1, low)),
                    _point(body, side, z2, min(y2, low)),
                    _point(body, side, z2, min(y2, high)),
                    _point(body, side, z1, min(y1, high)),
                ]
                faces.append(_face(body, role, corners))
    return faces


@cache
def shell_of(body: Body, end: End) -> tuple[Face, ...]:
    """All faces of the body but its details."""
    return tuple(face for face in [*_shell(body, end), *_sides(body, end)] if face is not None)


def _patch(
    body: Body, end: End, role: Role, span: tuple[float, float], rise: tuple[float, float]
) -> Face:
    """A patch on the end that faces the camera: fractions of the half width, heights in metres."""
    half = body.width_m / 2
    xs = np.linspace(span[0], span[1], 5) * half
    low = [np.array([x, rise[0], surface_z(body, end, x, rise[0]) - 0.01]) for x in xs]
    high = [np.array([x, rise[1], surface_z(body, end, x, rise[1]) - 0.01]) for x in xs[::-1]]
    return Face(role=role, corners=np.array(low + high), normal=np.array([0.0, 0.0, -1.0]))


@cache
def details_of(body: Body, end: End) -> tuple[Face, ...]:
    """Lamps, grille and bumper, in the order of drawing."""
    base = body.plate_front_m if end is End.FRONT else body.plate_rear_m
    lamp_top = body.belt_m - 0.18
    faces: list[Face] = []
    if end is End.FRONT:
        faces.append(_patch(body, end, Role.TRIM, (-0.45, 0.45), (base + 0.10, lamp_top - 0.02)))
        faces.append(_patch(body, end, Role.TRIM, (-0.6, 0.6), (_SILL_M + 0.03, base - 0.10)))
        for side in (-1.0, 1.0):
            span = (min(side * 0.55, side * 0.93), max(side * 0.55, side * 0.93))
            faces.append(_patch(body, end, Role.HEADLAMP, span, (lamp_top - 0.13, lamp_top)))
    else:
        faces.append(_patch(body, end, Role.TRIM, (-0.85, 0.85), (_SILL_M + 0.05, 0.40)))
        for side in (-1.0, 1.0):
            span = (min(side * 0.72, side * 0.96), max(side * 0.72, side * 0.96))
            faces.append(
                _patch(body, end, Role.TAIL_LAMP, span, (lamp_top - 0.16, lamp_top + 0.06))
            )
    return tuple(faces)


@cache
def wheels_of(body: Body) -> tuple[Face, ...]:
    """Tyres seen below the near end, and wheels on the flanks."""
    half = body.width_m / 2
    faces = []
    for side in (-1.0, 1.0):
        x1, x2 = sorted((side * half * 0.68, side * half * 0.95))
        tyre = np.array([[x1, 0.0, 0.72], [x2, 0.0, 0.72], [x2, 0.34, 0.55], [x1, 0.34, 0.55]])
        faces.append(Face(role=Role.TYRE, corners=tyre, normal=np.array([0.0, 0.0, -1.0])))
        for z in (0.85, body.length_m - 0.85):
            for radius, role in ((0.33, Role.TYRE), (0.2, Role.RIM)):
                turn = np.linspace(0.0, 2 * np.pi, 18, endpoint=False)
                ring = np.stack(
                    [
                        np.full_like(turn, side * (half + 0.01)),
                        0.33 + radius * np.sin(turn),
                        z + radius * np.cos(turn),
                    ],
                    axis=1,
                )
                faces.append(Face(role=role, corners=ring, normal=np.array([side, 0.0, 0.0])))
    return tuple(faces)
