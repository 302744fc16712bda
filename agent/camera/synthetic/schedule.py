"""Which vehicle passes when, in which lane and with which plate: the truth of a run.

Pure and without pictures, so that the truth can be had without rendering.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, islice, takewhile

import numpy as np

from agent.camera.synthetic.bodies import BODIES, Body, End
from agent.camera.synthetic.lens import Floats, Lens
from agent.camera.synthetic.registration import Registration, registration
from agent.camera.synthetic.settings import SyntheticSettings, Traffic

_LEAD_IN_S = 1.0  # empty road, for gates that learn the background
_ABREAST_M = 0.3  # vehicles side by side drive this much closer to each other
_LANE_CENTRES_M = (-1.5, 1.5)
_EDGE_MARGIN_PX = 4.0

_PAINTS = (  # blue, green, red
    (225, 228, 230),
    (168, 170, 172),
    (96, 98, 100),
    (38, 36, 36),
    (120, 62, 28),
    (36, 34, 150),
    (60, 84, 42),
    (150, 186, 200),
    (92, 40, 36),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The truth about one vehicle.

    `plate` is the text without separators, unique within a run (but for vehicles that come back).
    Frames are numbers of the run;
    from `first_frame` to `last_frame` the whole plate is inside the picture.
    """

    id: str
    number: int
    plate: str
    region: str
    lane: int
    direction: str
    first_frame: int
    last_frame: int


@dataclass(frozen=True)
class Vehicle:
    """One vehicle and its way along the road: `end` faces the camera. After driving for
    `halts_after_s` it stands for `halt_s`."""

    number: int
    registration: Registration
    body: Body
    paint: tuple[int, int, int]
    lane: int
    end: End
    enters_at_s: float
    speed_mps: float
    offset_m: float
    yaw: float
    near_m: float
    far_m: float
    halts_after_s: float = math.inf
    halt_s: float = 0.0

    @property
    def leaves_at_s(self) -> float:
        return self.enters_at_s + (self.far_m - self.near_m) / self.speed_mps + self.halt_s

    def is_present(self, at_s: float) -> bool:
        return self.enters_at_s <= at_s <= self.leaves_at_s

    def place(self, points: Floats, at_s: float) -> Floats:
        """World points (..., 3) of points of the vehicle at a time."""
        way = self._driven_s(at_s) * self.speed_mps
        z = self.far_m - way if self.end is End.FRONT else self.near_m + way
        x, y, along = points[..., 0], points[..., 1], points[..., 2]
        centre = _LANE_CENTRES_M[self.lane] + self.offset_m
        return np.stack(
            [
                centre + x * np.cos(self.yaw) + along * np.sin(self.yaw),
                y,
                z + along * np.cos(self.yaw) - x * np.sin(self.yaw),
            ],
            axis=-1,
        )

    def _driven_s(self, at_s: float) -> float:
        """Seconds of driving between its entering and `at_s`."""
        since_s = at_s - self.enters_at_s
        if since_s <= self.halts_after_s:
            return since_s
        return max(self.halts_after_s, since_s - self.halt_s)

    @cached_property
    def plate_corners(self) -> Floats:
        """Corners (4, 3) of the plate on the vehicle, clockwise from the top left as seen."""
        return self.body.plate_corners(self.end, self.registration.region)

    def plate_quad(self, lens: Lens, at_s: float) -> Floats:
        """Corners (4, 2) of the plate in pixels; may lie outside the picture."""
        return lens.project(self.place(self.plate_corners, at_s))


def vehicles(settings: SyntheticSettings) -> Iterator[Vehicle]:
    """All vehicles in the order of their entering; endless where `settings.vehicles` is None."""
    numbers = count() if settings.vehicles is None else iter(range(settings.vehicles))
    lens = Lens(width=settings.width, height=settings.height)
    lane_free_at = [_LEAD_IN_S, _LEAD_IN_S + 0.7]
    before: Vehicle | None = None
    for number in numbers:
        rng = np.random.default_rng([settings.seed, number, 0])
        lane = int(np.argmin(lane_free_at))
        before = _vehicle(settings, lens, number, lane, lane_free_at[lane], rng, before)
        gap_s = float(rng.uniform(0.2, 1.4))
        lane_free_at[before.lane] = before.leaves_at_s + gap_s
        if settings.traffic is not Traffic.FLOW and settings.traffic is not Traffic.HALTS:
            lane_free_at = [before.leaves_at_s + gap_s] * 2
        yield before


def _vehicle(
    settings: SyntheticSettings,
    lens: Lens,
    number: int,
    lane: int,
    free_at_s: float,
    rng: np.random.Generator,
    before: Vehicle | None,
) -> Vehicle:
    """Vehicle `number`, which may follow from the one `before` it."""
    vehicle = Vehicle(
        number=number,
        registration=registration(seed=settings.seed, number=number, regions=settings.plates),
        body=BODIES[int(rng.integers(len(BODIES)))],
        paint=_PAINTS[int(rng.integers(len(_PAINTS)))],
        lane=lane,
        end=End.FRONT if lane == 0 else End.REAR,
        enters_at_s=free_at_s,
        speed_mps=float(rng.uniform(5.6, 8.4)),
        offset_m=float(rng.uniform(-0.18, 0.18)),
        yaw=float(rng.uniform(-0.035, 0.035)),
        near_m=lens.near_m,
        far_m=lens.far_m,
    )
    is_second = number % 2 == 1 and before is not None
    match settings.traffic:
        case Traffic.HALTS:
            drive_s = (vehicle.far_m - vehicle.near_m) / vehicle.speed_mps
            share = float(rng.uniform(0.35, 0.6))
            return replace(vehicle, halts_after_s=share * drive_s, halt_s=settings.halt)
        case Traffic.PAIRS if is_second and before is not None:
            return replace(
                vehicle,
                lane=1,
                end=End.FRONT,
                enters_at_s=before.enters_at_s + float(rng.uniform(0.0, 0.1)),
                speed_mps=before.speed_mps,
                offset_m=-_ABREAST_M,
            )
        case Traffic.PAIRS:
            return replace(vehicle, lane=0, end=End.FRONT, offset_m=_ABREAST_M)
        case Traffic.RETURNS if is_second and before is not None:
            return replace(
                vehicle,
                registration=before.registration,
                body=before.body,
                paint=before.paint,
                lane=1,
                end=End.REAR,
                enters_at_s=before.leaves_at_s + settings.away,
            )
        case Traffic.RETURNS:
            return replace(vehicle, lane=0, end=End.FRONT)
        case Traffic.FLOW:
            return vehicle


def duration_s(settings: SyntheticSettings) -> float | None:
    """How long the run lasts: as set, or until the last vehicle has left and the road was empty
    for a second; None if endless."""
    if settings.seconds is not None:
        return settings.seconds
    if settings.vehicles is None:
        return None
    return max(vehicle.leaves_at_s for vehicle in vehicles(settings)) + _LEAD_IN_S


def total_frames(settings: SyntheticSettings) -> int | None:
    duration = duration_s(settings)
    return None if duration is None else int(duration * settings.fps) + 1


def passage(vehicle: Vehicle, settings: SyntheticSettings) -> Passage:
    """The truth about one vehicle; every vehicle's plate is in the picture for about a second."""
    lens = Lens(width=settings.width, height=settings.height)
    first = int(np.ceil(vehicle.enters_at_s * settings.fps))
    frames = range(first, int(vehicle.leaves_at_s * settings.fps) + 1)
    seen = [n for n in frames if is_inside(lens, vehicle.plate_quad(lens, n / settings.fps))]
    return Passage(
        id=f"{settings.seed}-{vehicle.number}",
        number=vehicle.number,
        plate=vehicle.registration.text,
        region=vehicle.registration.region.value,
        lane=vehicle.lane,
        direction="approaching" if vehicle.end is End.FRONT else "receding",
        first_frame=seen[0],
        last_frame=seen[-1],
    )


def is_inside(lens: Lens, quad: Floats) -> bool:
    """Whether a plate lies inside the picture with a small margin."""
    low, high = quad.min(axis=0), quad.max(axis=0)
    margin = _EDGE_MARGIN_PX
    return bool(
        (low >= margin).all() and high[0] <= lens.width - margin and high[1] <= lens.height - margin
    )


def passages(settings: SyntheticSettings, limit: int | None = None) -> tuple[Passage, ...]:
    """The truth of a run (of its first `limit` vehicles, which an endless run needs)."""
    if not settings.is_finite and limit is None:
        raise ValueError("an endless run has endless passages: give a limit")
    coming: Iterator[Vehicle] = islice(vehicles(settings), limit)
    if settings.seconds is not None:
        ends_at_s = settings.seconds
        coming = takewhile(lambda vehicle: vehicle.leaves_at_s <= ends_at_s, coming)
    return tuple(passage(vehicle, settings) for vehicle in coming)
