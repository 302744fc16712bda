"""Renders frames of the scene: background, vehicles with their plates, lamps, blur and noise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.camera.frame import SensorFacts
from agent.camera.synthetic.bodies import (
    End,
    Face,
    Role,
    details_of,
    shell_of,
    wheels_of,
)
from agent.camera.synthetic.fixtures import parked_car
from agent.camera.synthetic.lens import Floats, Lens
from agent.camera.synthetic.overlay import draw_overlay
from agent.camera.synthetic.platework import plate_texture
from agent.camera.synthetic.scenery import empty_road, under_a_lamp
from agent.camera.synthetic.schedule import Vehicle
from agent.camera.synthetic.settings import Daylight, Fixture, SyntheticSettings
from vision.reading import Picture

_MIX_PERIOD_S = 40.0
_DUSK_S = 1.5
_NOISE_FIELDS = 2
_NOISE_MARGIN = 96  # each frame takes another cut of a field
_SUBPIXEL_BITS = 4
_SUN = np.array([-0.35, 0.80, -0.48])
_DAY_EXPOSURE_S = 1 / 500
_NIGHT_EXPOSURE_S = 1 / 250

_COLOURS: dict[Role, tuple[float, float, float]] = {
    Role.GLASS: (74.0, 62.0, 52.0),
    Role.TRIM: (34.0, 33.0, 33.0),
    Role.TYRE: (26.0, 26.0, 27.0),
    Role.RIM: (128.0, 126.0, 124.0),
    Role.HEADLAMP: (214.0, 218.0, 222.0),
    Role.TAIL_LAMP: (32.0, 28.0, 150.0),
}


def darkness(night: Daylight, at_s: float) -> float:
    """0 by day, 1 by night, in between at dusk and dawn."""
    if night is not Daylight.MIX:
        return 1.0 if night is Daylight.NIGHT else 0.0
    phase = at_s % _MIX_PERIOD_S
    dusk = min(1.0, max(0.0, (phase - _MIX_PERIOD_S / 2) / _DUSK_S))
    dawn = min(1.0, max(0.0, (_MIX_PERIOD_S - phase) / _DUSK_S))
    return min(dusk, dawn)


def sensor_facts(dark: float) -> SensorFacts:
    """What a camera with automatic exposure would say of this light."""
    return SensorFacts(
        exposure_time_s=_exposure_s(dark),
        analog_gain=round(1.0 + 11.0 * dark, 2),
        digital_gain=1.0,
        lux=round(float(9000.0 * (12.0 / 9000.0) ** dark), 1),
        colour_temperature_k=round(5600 - 2400 * dark),
    )


def _exposure_s(dark: float) -> float:
    return _DAY_EXPOSURE_S + (_NIGHT_EXPOSURE_S - _DAY_EXPOSURE_S) * dark


@dataclass(frozen=True)
class _Mesh:
    """A vehicle's faces as arrays: corners of all shell quads (n, 4, 3), normals, colours."""

    corners: Floats
    normals: Floats
    colours: Floats
    is_glass: NDArray[np.bool_]
    wheels: tuple[Face, ...]
    details: tuple[Face, ...]
    plates: tuple[Picture, ...]


class Renderer:
    """Frames of one run. Keeps backgrounds, noise and the meshes of vehicles in view."""

    def __init__(self, settings: SyntheticSettings) -> None:
        self._settings = settings
        self._lens = Lens(width=settings.width, height=settings.height)
        self._day_noise = _noise_fields(settings, 2.6)
        self._night_noise = _noise_fields(settings, 6.5)
        self._meshes: dict[int, _Mesh] = {}
        self._day = empty_road(self._lens, settings.seed, settings.scenery)
        if Fixture.PARKED in settings.scenery:
            self._draw(self._day, parked_car(self._lens), 0.0, 0.0)
        self._night = under_a_lamp(self._day, self._lens)

    def render(self, number: int, present: Sequence[Vehicle]) -> Picture:
        """Frame `number` with those vehicles in it; a new array each time."""
        at_s = number / self._settings.fps
        dark = darkness(self._settings.night, at_s)
        frame = self._empty_road(dark)
        self._forget_others(present)
        order = sorted(present, key=lambda v: -float(v.place(np.zeros(3), at_s)[2]))
        for vehicle in order:
            if vehicle.end is End.FRONT and dark > 0:
                self._light_road(frame, vehicle, at_s, dark)
        for vehicle in order:
            self._draw(frame, vehicle, at_s, dark)
        frame = self._with_noise(frame, number, dark)
        if Fixture.OVERLAY in self._settings.scenery:
            draw_overlay(frame, at_s, self._lens.scale)
        return frame

    def _empty_road(self, dark: float) -> Picture:
        if dark in (0.0, 1.0):
            return (self._night if dark else self._day).copy()
        mixed = cv2.addWeighted(self._day, 1.0 - dark, self._night, dark, 0.0)
        return np.asarray(mixed, dtype=np.uint8)

    def _with_noise(self, frame: Picture, number: int, dark: float) -> Picture:
        fields = self._night_noise if dark >= 0.5 else self._day_noise
        top, left = (number * 7919) % _NOISE_MARGIN, (number * 104729) % _NOISE_MARGIN
        height, width = frame.shape[:2]
        noise = fields[number % len(fields)][top : top + height, left : left + width]
        return np.asarray(cv2.add(frame, noise, dtype=cv2.CV_8U), dtype=np.uint8)

    def _forget_others(self, present: Iterable[Vehicle]) -> None:
        numbers = {vehicle.number for vehicle in present}
        for number in [n for n in self._meshes if n not in numbers]:
            del self._meshes[number]

    def _mesh(self, vehicle: Vehicle) -> _Mesh:
        mesh = self._meshes.get(vehicle.number)
        if mesh is None:
            mesh = self._meshes[vehicle.number] = _build(vehicle, self._settings.seed)
        return mesh

    def _draw(self, frame: Picture, vehicle: Vehicle, at_s: float, dark: float) -> None:
        mesh = self._mesh(vehicle)
        pixels = self._lens.project(vehicle.place(mesh.corners, at_s))
        shadow = self._lens.project(vehicle.place(_shadow_outline(vehicle, dark), at_s))
        region = self._region(np.vstack([pixels.reshape(-1, 2), shadow]))
        if region is None:
            return
        x1, y1, x2, y2 = region
        target = frame[y1:y2, x1:x2]
        offset = np.array([x1, y1], dtype=np.float64)
        _cast_shadow(target, shadow - offset)
        canvas = target.copy()
        for face in mesh.wheels:
            self._polygon(canvas, face, vehicle, at_s, offset, _lit(face.role, dark))
        self._shell(canvas, mesh, vehicle, at_s, pixels - offset, dark)
        for face in mesh.details:
            self._polygon(canvas, face, vehicle, at_s, offset, _lit(face.role, dark))
        self._plate(canvas, mesh, vehicle, at_s, offset, dark)
        blurred = self._blurred(canvas, vehicle, at_s, dark)
        hull = cv2.convexHull((pixels.reshape(-1, 2) - offset).astype(np.float32))
        mask = np.zeros(target.shape[:2], dtype=np.uint8)
        cv2.fillConvexPoly(mask, hull.astype(np.int32), 255)
        cv2.copyTo(blurred, cv2.dilate(mask, np.ones((9, 9), np.uint8)), target)
        if dark > 0:
            self._glow(frame, mesh, vehicle, at_s, dark)

    def _region(self, pixels: Floats, pad: float = 14.0) -> tuple[int, int, int, int] | None:
        """The part of the picture around the points, or None where they are outside it."""
        low, high = pixels.min(axis=0) - pad, pixels.max(axis=0) + pad
        x1, y1 = max(0, int(low[0])), max(0, int(low[1]))
        x2, y2 = min(self._lens.width, int(high[0])), min(self._lens.height, int(high[1]))
        return (x1, y1, x2, y2) if x2 - x1 > 2 and y2 - y1 > 2 else None

    def _shell(
        self,
        canvas: Picture,
        mesh: _Mesh,
        vehicle: Vehicle,
        at_s: float,
        pixels: Floats,
        dark: float,
    ) -> None:
        """Faces turned to the camera, far ones first."""
        world = vehicle.place(mesh.corners, at_s)
        middles = world.mean(axis=1)
        sight = self._lens.position - middles
        distance = np.linalg.norm(sight, axis=1)
        facing = np.einsum("ij,ij->i", mesh.normals, sight) > 0
        colours = _shaded(mesh, sight / distance[:, None], dark)
        fixed = (pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        for index in np.argsort(-distance):
            if facing[index]:
                cv2.fillConvexPoly(
                    canvas, fixed[index], colours[index].tolist(), cv2.LINE_8, _SUBPIXEL_BITS
                )

    def _polygon(
        self,
        canvas: Picture,
        face: Face,
        vehicle: Vehicle,
        at_s: float,
        offset: Floats,
        colour: tuple[float, float, float],
    ) -> None:
        world = vehicle.place(face.corners, at_s)
        if float(np.dot(face.normal, self._lens.position - world.mean(axis=0))) <= 0:
            return
        points = (self._lens.project(world) - offset) * (1 << _SUBPIXEL_BITS)
        cv2.fillPoly(canvas, [points.astype(np.int32)], colour, cv2.LINE_AA, _SUBPIXEL_BITS)

    def _plate(
        self,
        canvas: Picture,
        mesh: _Mesh,
        vehicle: Vehicle,
        at_s: float,
        offset: Floats,
        dark: float,
    ) -> None:
        quad = vehicle.plate_quad(self._lens, at_s) - offset
        low = np.floor(quad.min(axis=0)).astype(int) - 2
        high = np.ceil(quad.max(axis=0)).astype(int) + 3
        x1, y1 = max(0, int(low[0])), max(0, int(low[1]))
        x2, y2 = min(canvas.shape[1], int(high[0])), min(canvas.shape[0], int(high[1]))
        if x2 <= x1 or y2 <= y1:
            return
        shown = float(np.linalg.norm(quad[1] - quad[0]))
        texture = next((t for t in mesh.plates if t.shape[1] <= 2.0 * shown), mesh.plates[-1])
        height, width = texture.shape[:2]
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
        matrix = cv2.getPerspectiveTransform(
            corners - 0.5, (quad - np.array([x1, y1])).astype(np.float32)
        )
        lit = cv2.convertScaleAbs(texture, alpha=0.94 - 0.14 * dark)
        part = canvas[y1:y2, x1:x2]
        drawn = cv2.warpPerspective(lit, matrix, (x2 - x1, y2 - y1), flags=cv2.INTER_LINEAR)
        cover = cv2.warpPerspective(
            np.full((height, width), 255, np.uint8), matrix, (x2 - x1, y2 - y1)
        )
        alpha = (cover.astype(np.float32) / 255.0)[..., None]
        part[:] = (
            (part * (1.0 - alpha) + drawn * (cover > 0)[..., None]).clip(0, 255).astype(np.uint8)
        )

    def _blurred(self, canvas: Picture, vehicle: Vehicle, at_s: float, dark: float) -> Picture:
        """The lens, and the way that the vehicle moves during the exposure."""
        soft = cv2.GaussianBlur(canvas, (3, 3), 0.65)
        ahead = vehicle.plate_quad(self._lens, at_s + _exposure_s(dark)).mean(axis=0)
        way = ahead - vehicle.plate_quad(self._lens, at_s).mean(axis=0)
        length = float(np.hypot(*way))
        if length < 0.6:
            return np.asarray(soft, dtype=np.uint8)
        return np.asarray(cv2.filter2D(soft, -1, _streak(way)), dtype=np.uint8)

    def _light_road(self, frame: Picture, vehicle: Vehicle, at_s: float, dark: float) -> None:
        """The pool of light before an approaching vehicle."""
        centre = self._lens.project(vehicle.place(np.array([0.0, 0.0, -1.5]), at_s))
        reach = 460.0 * self._lens.scale
        _add_light(frame, centre, (reach, reach * 0.62), (54.0 * dark, 62.0 * dark, 66.0 * dark))

    def _glow(
        self, frame: Picture, mesh: _Mesh, vehicle: Vehicle, at_s: float, dark: float
    ) -> None:
        for face in mesh.details:
            if face.role not in (Role.HEADLAMP, Role.TAIL_LAMP):
                continue
            centre = self._lens.project(vehicle.place(face.corners.mean(axis=0), at_s))
            if face.role is Role.HEADLAMP:
                size, colour = 95.0 * self._lens.scale, (215.0, 230.0, 240.0)
            else:
                size, colour = 55.0 * self._lens.scale, (20.0, 18.0, 150.0)
            _add_light(frame, centre, (size, size), tuple(c * dark for c in colour))


def _shadow_outline(vehicle: Vehicle, dark: float) -> Floats:
    """Corners on the road, on the vehicle's own axes: the sun stands on the left."""
    half, length = vehicle.body.width_m / 2, vehicle.body.length_m
    drift = 0.35 * (1.0 - dark)
    left, right = -half - 0.03, half + 0.03 + drift
    return np.array(
        [[left, 0.0, 0.0], [right, 0.0, 0.0], [right, 0.0, length], [left, 0.0, length]]
    )


def _cast_shadow(target: Picture, outline: Floats) -> None:
    height, width = target.shape[:2]
    mask = np.full((max(1, height // 4), max(1, width // 4)), 255, dtype=np.uint8)
    cv2.fillConvexPoly(mask, (outline / 4).astype(np.int32), 92)
    mask = np.asarray(cv2.resize(cv2.GaussianBlur(mask, (0, 0), 2.0), (width, height)))
    cv2.multiply(target, cv2.merge([mask, mask, mask]), dst=target, scale=1 / 255)


def _noise_fields(settings: SyntheticSettings, sigma: float) -> list[NDArray[np.int16]]:
    """Sensor noise with a standard deviation of `sigma` grey levels, larger than a picture."""
    rng = np.random.default_rng([settings.seed, 4])
    shape = (settings.height + _NOISE_MARGIN, settings.width + _NOISE_MARGIN, 3)
    fields = []
    for _ in range(_NOISE_FIELDS):
        grain = rng.standard_normal(shape, dtype=np.float32) * sigma
        fields.append(np.rint(grain).astype(np.int16))
    return fields


def _build(vehicle: Vehicle, seed: int) -> _Mesh:
    shell = shell_of(vehicle.body, vehicle.end)
    paint = np.array(vehicle.paint, dtype=np.float64)
    colours = [paint if f.role is Role.PAINT else np.array(_COLOURS[f.role]) for f in shell]
    rng = np.random.default_rng([seed, vehicle.number, 5])
    texture = plate_texture(vehicle.registration, vehicle.end, rng)
    levels = [texture]
    while levels[-1].shape[1] > 40:
        smaller = cv2.resize(levels[-1], None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(smaller, dtype=np.uint8))
    return _Mesh(
        corners=np.stack([face.corners for face in shell]),
        normals=np.stack([face.normal for face in shell]),
        colours=np.stack(colours),
        is_glass=np.array([face.role is Role.GLASS for face in shell]),
        wheels=wheels_of(vehicle.body),
        details=details_of(vehicle.body, vehicle.end),
        plates=tuple(levels),
    )


def _shaded(mesh: _Mesh, sight: Floats, dark: float) -> Floats:
    """Face colours: sun and sky by day (Lambert, with a highlight after Blinn), lamps by night."""
    sun = _SUN / np.linalg.norm(_SUN)
    diffuse = np.clip(mesh.normals @ sun, 0.0, 1.0)
    sky = 0.5 + 0.5 * mesh.normals[:, 1]
    half = sight + sun
    half = half / np.linalg.norm(half, axis=1)[:, None]
    shine = np.clip(np.einsum("ij,ij->i", mesh.normals, half), 0.0, 1.0) ** 40
    day = mesh.colours * (0.30 + 0.25 * sky + 0.55 * diffuse)[:, None]
    mirror = np.where(mesh.is_glass, 70.0, 34.0) * sky**3 + 110.0 * shine
    day = day + mirror[:, None] * np.array([1.05, 1.0, 0.94])
    night = mesh.colours * (0.06 + 0.12 * sky)[:, None] + 5.0 * sky[:, None]
    return np.asarray(np.clip(day * (1.0 - dark) + night * dark, 0, 255))


def _lit(role: Role, dark: float) -> tuple[float, float, float]:
    """Details: lamps shine by night, everything else gets darker."""
    day = _COLOURS[role]
    if role is Role.HEADLAMP:
        night: tuple[float, float, float] = (250.0, 252.0, 255.0)
    elif role is Role.TAIL_LAMP:
        night = (50.0, 44.0, 235.0)
    else:
        night = (day[0] * 0.15, day[1] * 0.15, day[2] * 0.15)
    return (
        day[0] + (night[0] - day[0]) * dark,
        day[1] + (night[1] - day[1]) * dark,
        day[2] + (night[2] - day[2]) * dark,
    )


def _streak(way: Floats) -> NDArray[np.float32]:
    """A kernel that smears along `way` (pixels)."""
    reach = int(np.ceil(np.abs(way).max() / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.float32)
    for part in np.linspace(-0.5, 0.5, 25):
        x, y = reach + way[0] * part, reach + way[1] * part
        column, row = int(np.floor(x)), int(np.floor(y))
        right, down = x - column, y - row
        kernel[row, column] += (1 - right) * (1 - down)
        kernel[row, column + 1] += right * (1 - down)
        kernel[row + 1, column] += (1 - right) * down
        kernel[row + 1, column + 1] += right * down
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


@cache
def _falloff() -> NDArray[np.float32]:
    across = np.linspace(-1.0, 1.0, 129, dtype=np.float32)
    distance = across[:, None] ** 2 + across[None, :] ** 2
    falloff = np.exp(-4.5 * distance) * np.clip(1.0 - distance, 0.0, 1.0)
    return np.asarray(falloff, dtype=np.float32)


def _add_light(
    frame: Picture, centre: Floats, reach: tuple[float, float], colour: tuple[float, ...]
) -> None:
    """Adds a soft spot of light of half axes `reach` to the picture."""
    width, height = max(1, round(reach[0])), max(1, round(reach[1]))
    x1, y1 = round(float(centre[0])) - width, round(float(centre[1])) - height
    left, top = max(0, x1), max(0, y1)
    right, bottom = min(frame.shape[1], x1 + 2 * width), min(frame.shape[0], y1 + 2 * height)
    if right <= left or bottom <= top:
        return
    spot = cv2.resize(_falloff(), (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    part = spot[top - y1 : bottom - y1, left - x1 : right - x1, None]
    light = (part * np.array(colour, dtype=np.float32)).astype(np.uint8)
    target = frame[top:bottom, left:right]
    cv2.add(target, light, dst=target)
