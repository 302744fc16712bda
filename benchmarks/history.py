"""What a centre has after months: plates of many passages, misread ones, health, evictions. Seeded.

Nothing of it is anybody's: plates are made by the formats of four regions.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.traffic import numbered, picture_of
from wire.acceptance import accept_v1
from wire.accepted import AcceptedRow
from wire.base64_text import PictureBytes
from wire.limits import Limits
from wire.message_id import RANDOM_BYTES, time_ordered_id
from wire.rows import (
    Eviction,
    EvictionRow,
    HealthMonitor,
    HealthRow,
    LprDetection,
    LprRow,
    raw_json,
)
from wire.v1 import Hello

COMPONENTS: Final = (
    *("agent", "camera", "clock", "cpu", "database", "disk"),
    *("evictions", "link", "memory", "pipeline", "sightings", "temperature"),
)
HEALTH_EVERY: Final = timedelta(minutes=5)
BUSY_HOURS: Final = (1, 1, 1, 1, 2, 4, 8, 12, 12, 9, 8, 8, 8, 8, 8, 9, 11, 13, 12, 9, 6, 4, 3, 2)
"""How traffic spreads over the day: a shape, of no particular road."""
_CONFUSED: Final = {
    "0": "O",
    "O": "0",
    "D": "0",
    "Q": "O",
    "1": "I",
    "I": "1",
    "L": "1",
    "8": "B",
    "B": "8",
    "5": "S",
    "S": "5",
    "2": "Z",
    "Z": "2",
}
_LETTERS: Final = "ABCDEFGHIJKLMNOPRSTUVWXYZ"
_THAI: Final = "กขคฆงจฉชฌญฎฐฒณตถธนบผพฟภมยรลวศษสฬอฮ"
_DIRECTIONS: Final = ("approaching", "receding", "left", "right")
_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much: sightings over so many days before `until`, spread over the cameras.

    `pictures` is the share of sightings that have one, `misread` of those with a character taken
    for another; health is written for the last `health_days`. Plans that are parts of one history
    have one `regulars_seed`, and each begins its cameras' numbers `after` those before it.
    """

    sightings: int
    cameras: int
    days: int
    until: datetime
    pictures: float = 0.01
    misread: float = 0.02
    regulars: int = 60_000
    health_days: int = 7
    seed: int = 1
    regulars_seed: int | None = None
    after: int = 0


class Camera:
    """One camera's numbers: they go up, and now and then some are given up."""

    def __init__(self, number: int, *, after: int = 0) -> None:
        self.hello = Hello(
            device_id=f"gate-{number:03}",
            epoch="8f0c2d41",
            hostname=f"camera-{number:03}",
            checkpoint_id=str(number // 4 + 1),
            agent_version="0.1.0",
            time=datetime(2026, 1, 1, tzinfo=UTC),
            clock_state="synchronised",
        )
        self.sequence = after

    def next(self, count: int = 1) -> int:
        self.sequence += count
        return self.sequence


class History:
    """Hour by hour, in the order in which the rows would have come."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._source = random.Random(plan.seed)
        if plan.regulars_seed is not None:
            self._source = random.Random(plan.regulars_seed)
        self._regulars = [self._new_plate() for _ in range(plan.regulars)]
        if plan.regulars_seed is not None:
            self._source = random.Random(plan.seed)
        self.cameras = [Camera(number, after=plan.after) for number in range(1, plan.cameras + 1)]
        self._picture = picture_of(plan.seed)
        self._numbers = itertools.count(1)

    def hours(self) -> Iterator[tuple[datetime, list[AcceptedRow]]]:
        """Each hour's end with its rows."""
        plan = self._plan
        begin = plan.until - timedelta(days=plan.days)
        weights = [BUSY_HOURS[(begin + timedelta(hours=n)).hour] for n in range(24 * plan.days)]
        whole, written, so_far = sum(weights), 0, 0
        for number, weight in enumerate(weights):
            so_far += weight
            count = plan.sightings * so_far // whole - written
            written += count
            at = begin + timedelta(hours=number)
            yield at + timedelta(hours=1), self._hour(at, count)

    def _hour(self, begin: datetime, count: int) -> list[AcceptedRow]:
        events: list[tuple[datetime, Camera, Any]] = [
            (begin + timedelta(seconds=self._source.uniform(0, 3600)), self._any_camera(), None)
            for _ in range(count)
        ]
        if begin >= self._plan.until - timedelta(days=self._plan.health_days):
            for camera, step in itertools.product(self.cameras, range(12)):
                at = begin + step * HEALTH_EVERY
                events.extend((at, camera, component) for component in COMPONENTS)
        events.sort(key=lambda event: event[0])
        rows = [self._accepted(*event) for event in events]
        if self._source.random() < 0.02:
            rows.append(self._evicted(begin + timedelta(minutes=59)))
        return rows

    def _any_camera(self) -> Camera:
        return self.cameras[int(len(self.cameras) * self._source.random() ** 1.5)]

    def _accepted(self, at: datetime, camera: Camera, component: str | None) -> AcceptedRow:
        row = (
            self._sighting(at, camera) if component is None else self._health(at, camera, component)
        )
        return accept_v1(row, camera.hello, _LIMITS)

    def _id(self, at: datetime) -> str:
        noise = self._source.getrandbits(8 * RANDOM_BYTES).to_bytes(RANDOM_BYTES, "big")
        return time_ordered_id(int(at.timestamp() * 1000), noise)

    def _sighting(self, at: datetime, camera: Camera) -> LprRow:
        source = self._source
        is_regular = source.random() < 0.7
        region, plate = source.choice(self._regulars) if is_regular else self._new_plate()
        read = self._misread(plate) if source.random() < self._plan.misread else plate
        has_picture = source.random() < self._plan.pictures
        image = PictureBytes(numbered(self._picture, next(self._numbers))) if has_picture else None
        return LprRow(
            id=self._id(at),
            sequence=camera.next(),
            captured_at=at,
            data=LprDetection(
                license_plate=read,
                confidence=round(100 * source.betavariate(9, 1.5), 1),
                region=region,
                direction=source.choice(_DIRECTIONS),
                dwell_s=round(source.uniform(0.4, 6.0), 2),
                clock_state="synchronised",
                evidence=raw_json(evidence_of(read, plate, at, source)),
                image=image,
            ),
        )

    def _health(self, at: datetime, camera: Camera, component: str) -> HealthRow:
        source = self._source
        is_well = source.random() > 0.01
        heat = 52 + 14 * source.random()
        return HealthRow(
            id=self._id(at),
            sequence=camera.next(),
            captured_at=at,
            data=HealthMonitor(
                component=component,
                status="PASS" if is_well else "WARN",
                message=f"{component} works" if is_well else f"{component}: look at it",
                system_info=raw_json(
                    {
                        "temperature_c": f"{heat:.1f}",
                        "memory_usage": f"{source.randrange(30, 60)}%",
                        "cpu_usage": f"{source.randrange(20, 95)}%",
                        "disk_free_mb": str(source.randrange(20_000, 21_000)),
                        "agent_memory_mb": str(source.randrange(300, 420)),
                        "agent_version": "0.1.0",
                    }
                ),
            ),
        )

    def _evicted(self, at: datetime) -> AcceptedRow:
        camera = self._any_camera()
        count = self._source.randrange(3, 40)
        first = camera.sequence + 1
        last = camera.next(count)
        row = EvictionRow(
            id=self._id(at),
            sequence=camera.next(),
            captured_at=at,
            data=Eviction(
                kind="row",
                reason="disk_full",
                evicted_table="lpr_detection",
                count=count,
                first_sequence=first,
                last_sequence=last,
                message="rows that waited; not even rows fitted on the disk",
            ),
        )
        return accept_v1(row, camera.hello, _LIMITS)

    def _new_plate(self) -> tuple[str, str]:
        source = self._source
        digits = source.randrange

        def letters(count: int) -> str:
            return "".join(source.choices(_LETTERS, k=count))

        match source.random():
            case share if share < 0.4:
                thai = "".join(source.choices(_THAI, k=2))
                return "th", f"{digits(1, 10)}{thai} {digits(1, 10_000)}"
            case share if share < 0.7:
                return "eu", f"{letters(2)}{digits(100, 1000)}{letters(2)}"
            case share if share < 0.85:
                return "br", f"{letters(3)}{digits(10)}{letters(1)}{digits(10, 100)}"
        return "us", f"{digits(10)}{letters(3)}{digits(100, 1000)}"

    def _misread(self, plate: str) -> str:
        at = [index for index, character in enumerate(plate) if character in _CONFUSED]
        if not at:
            return plate
        index = self._source.choice(at)
        return plate[:index] + _CONFUSED[plate[index]] + plate[index + 1 :]


def evidence_of(read: str, meant: str, at: datetime, source: random.Random) -> dict[str, Any]:
    """As a camera makes it (agent/pipeline/evidence.py) of four looks: some 1.2 KB."""
    return {
        "readings": [
            {
                "text": read,
                "confidence": round(source.uniform(0.6, 1.0), 3),
                "at": (at + timedelta(milliseconds=100 * look)).isoformat(),
                "box": [200 + look, 240 + look, 120, 36],
            }
            for look in range(4)
        ],
        "characters": [
            {"text": one, "confidence": 0.97, "alternatives": [["8", 0.012]]}
            if one == other
            else {"text": one, "confidence": 0.55, "alternatives": [[other, 0.4]]}
            for one, other in zip(read, meant, strict=True)
        ],
        "model": "PP-OCRv6_rec_small",
        "thresholds": {"min_confidence": 0.5, "min_readings": 2, "single_confidence": 0.9},
        "first_seen": at.isoformat(),
        "last_seen": (at + timedelta(seconds=1)).isoformat(),
        "region": None,
        "format": None,
        "partial": False,
        "province": None,
        "refused": [],
    }


def groups(rows: Sequence[AcceptedRow], size: int) -> Iterator[Sequence[AcceptedRow]]:
    """As the server's writer takes them together."""
    for first in range(0, len(rows), size):
        yield rows[first : first + size]
