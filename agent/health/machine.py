"""Checks of the machine: disk, memory, processor, temperature and power. Facts in, results out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.health.result import HealthResult, failed, passed, warned
from agent.percent import percent

LOW_DISK_SHARE: Final = 0.10
FULL_DISK_SHARE: Final = 0.03
HIGH_MEMORY_SHARE: Final = 0.90
HIGH_CPU_SHARE: Final = 0.95
WARM_C: Final = 75.0
HOT_C: Final = 85.0
"""A Raspberry Pi 4 or 5 slows down from 80 degrees Celsius on, and hard at 85 (raspberrypi.com,
documentation, "Frequency management and thermal control")."""
STALLED_SHARE: Final = 0.10
"""Of the time in which some task waits for memory (PSI `some avg10`); above it programs crawl."""


_MAKE_ROOM: Final = " (./cleanup_old_data.sh, or look what else fills the disk)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """Sizes in bytes; `growth_bytes_a_day` is None where nobody knows it yet."""

    free_bytes: int
    total_bytes: int
    pictures_bytes: int = 0
    quota_bytes: int = 0
    floor_bytes: int = 0
    growth_bytes_a_day: float | None = None

    @property
    def days_left(self) -> float | None:
        """Until the oldest pictures have to go, or the disk is full where nothing limits them."""
        if not self.growth_bytes_a_day:
            return None
        room_bytes = self.free_bytes - self.floor_bytes
        if self.quota_bytes:
            room_bytes = min(room_bytes, self.quota_bytes - self.pictures_bytes)
        return max(0.0, room_bytes / self.growth_bytes_a_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFacts:
    """Of the machine and of this process, in bytes.

    `stalled_share` is PSI's `some avg10` as 0..1, None where the kernel has none. `shed` names
    what is left out to save memory now, `queues` says how full each bounded queue is.
    """

    available_bytes: int
    total_bytes: int
    process_bytes: int = 0
    limit_bytes: int = 0
    stalled_share: float | None = None
    shed: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatFacts:
    """`throttled` are the bits of `vcgencmd get_throttled`; None where this is no Raspberry Pi."""

    temperature_c: float | None = None
    throttled: int | None = None


_NOW: Final = (
    (0, "the supply gives too little voltage: use the maker's 5 V supply and a short, thick cable"),
    (2, "the processor is slowed down: cool it, check the supply"),
    (3, "the processor is slowed down by its temperature: cool it"),
    (1, "the processor's clock is capped: check supply and cooling"),
)
_BEFORE: Final = (
    (16, "too little voltage"),
    (17, "a capped clock"),
    (18, "throttling"),
    (19, "the temperature limit"),
)
"""Bits of `vcgencmd get_throttled` (raspberrypi.com, documentation, "vcgencmd")."""


def check_disk(facts: DiskFacts) -> HealthResult:
    """Free space of the file system that holds database and pictures, and how long it lasts."""
    share = facts.free_bytes / facts.total_bytes if facts.total_bytes else 0.0
    text = f"{_gb(facts.free_bytes)} of {_gb(facts.total_bytes)} free{_pictures(facts)}"
    if facts.free_bytes < facts.floor_bytes:
        text += f"; AGENT_DISK_FLOOR_MB asks for {_gb(facts.floor_bytes)}"
    if share < FULL_DISK_SHARE or facts.free_bytes < facts.floor_bytes / 2:
        return failed("disk", f"{text}: make room now, sightings will not fit{_MAKE_ROOM}")
    if facts.free_bytes < facts.floor_bytes:
        return warned("disk", f"{text}: the oldest pictures go{_MAKE_ROOM}")
    if share < LOW_DISK_SHARE:
        return warned("disk", f"{text}: make room soon{_MAKE_ROOM}")
    return passed("disk", text)


def check_memory(facts: MemoryFacts) -> HealthResult:
    """What programs can still get, what this one takes of its limit, and what it sheds."""
    share = 1 - facts.available_bytes / facts.total_bytes if facts.total_bytes else 1.0
    text = f"{percent(share)} of {_gb(facts.total_bytes)} used"
    if facts.limit_bytes:
        text += f"; the agent has {_mb(facts.process_bytes)} of {_mb(facts.limit_bytes)}"
    if facts.queues:
        text += f"; waiting: {', '.join(facts.queues)}"
    if facts.limit_bytes and facts.process_bytes > facts.limit_bytes:
        text += _shedding(facts.shed)
        return failed("memory", f"{text}: raise AGENT_MEMORY_LIMIT_MB or use a smaller picture")
    if facts.shed:
        text += _shedding(facts.shed)
        return warned("memory", f"{text}: stop other programs, or raise AGENT_MEMORY_LIMIT_MB")
    if facts.stalled_share is not None and facts.stalled_share > STALLED_SHARE:
        text += f"; programs wait for memory {percent(facts.stalled_share)} of the time"
        return warned("memory", f"{text}: stop other programs or add memory")
    if share > HIGH_MEMORY_SHARE:
        return warned("memory", f"{text}: stop other programs or add memory")
    return passed("memory", text)


def check_cpu(*, used_share: float) -> HealthResult:
    """Processor time of all cores since the last look, 0..1."""
    text = f"{percent(used_share)} used"
    if used_share > HIGH_CPU_SHARE:
        return warned("cpu", f"{text}: stop other programs, or lower the frame rate")
    return passed("cpu", text)


def check_temperature(facts: HeatFacts) -> HealthResult:
    """Of the hottest sensor, and whether the board slows down or lacks power."""
    text = _heat(facts.temperature_c)
    bits = facts.throttled or 0
    for bit, what in _NOW:
        if bits & 1 << bit:
            return failed("temperature", f"{text}; {what}")
    if facts.temperature_c is not None and facts.temperature_c >= HOT_C:
        return failed("temperature", f"{text}: cool it now, or it slows down or switches off")
    before = [name for bit, name in _BEFORE if bits & 1 << bit]
    if before:
        text += f"; since the last start there was {', '.join(before)}: check supply and cooling"
        return warned("temperature", text)
    if facts.temperature_c is not None and facts.temperature_c >= WARM_C:
        return warned("temperature", f"{text}: give it air, shade or a fan")
    return passed("temperature", text)


def _pictures(facts: DiskFacts) -> str:
    text = f"; pictures take {_gb(facts.pictures_bytes)}"
    if facts.quota_bytes:
        text += f" of {_gb(facts.quota_bytes)}"
    if facts.growth_bytes_a_day is not None:
        text += f", {_mb(facts.growth_bytes_a_day)} more a day"
    if facts.days_left is not None:
        text += f", room for {facts.days_left:.0f} days" if facts.days_left < 3650 else ""
    return text


def _shedding(shed: tuple[str, ...]) -> str:
    return f"; to save memory: {', '.join(shed)}" if shed else ""


def _heat(temperature_c: float | None) -> str:
    return "no sensor on this machine" if temperature_c is None else f"{temperature_c:.0f} °C"


def _gb(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:.1f} GB"


def _mb(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:.0f} MB"
