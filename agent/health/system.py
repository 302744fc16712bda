"""Facts of this machine, as the health message has always carried them. Reads, never decides."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_PRESSURE: Final = Path("/proc/pressure/memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFacts:
    """One look at the machine; sizes in bytes, `cpu_used_share` 0..1.

    `stalled_share` is the share of the last 10 s in which some task waited for memory, None where
    the kernel does not say.
    """

    disk_free_bytes: int
    disk_total_bytes: int
    memory_available_bytes: int
    memory_total_bytes: int
    cpu_used_share: float
    process_memory_bytes: int
    stalled_share: float | None = None

    def as_message(self, *, temperature_c: float | None = None) -> dict[str, str]:
        """The older message's `system_info`, and this process's own memory; the temperature where
        there is a sensor."""
        used = 1 - self.memory_available_bytes / self.memory_total_bytes
        heat = {} if temperature_c is None else {"temperature_c": f"{temperature_c:.1f}"}
        return {
            **heat,
            "python_version": platform.python_version(),
            "platform": platform.system().lower(),
            "memory_usage": f"{used:.0%}",
            "cpu_usage": f"{self.cpu_used_share:.0%}",
            "disk_free_mb": str(self.disk_free_bytes // 1_000_000),
            "agent_memory_mb": str(self.process_memory_bytes // 1_000_000),
            "machine": platform.machine(),
        }


def look_at_system(folder: Path, *, cpu_used_share: float) -> SystemFacts:
    """Facts of the machine and of the file system that holds `folder`; how busy the processor was
    depends on since when, and is for the caller to say."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    disk = psutil.disk_usage(str(folder))
    memory = psutil.virtual_memory()
    return SystemFacts(
        disk_free_bytes=disk.free,
        disk_total_bytes=disk.total,
        memory_available_bytes=memory.available,
        memory_total_bytes=memory.total,
        cpu_used_share=cpu_used_share,
        process_memory_bytes=process_memory_bytes(),
        stalled_share=stalled_share(),
    )


def process_memory_bytes() -> int:
    """What of this process is in memory (its resident set)."""
    return psutil.Process().memory_info().rss


def stalled_share() -> float | None:
    """As in `SystemFacts`."""
    return _stalled_share(_PRESSURE)


def _stalled_share(path: Path) -> float | None:
    try:
        return parse_pressure(path.read_text(encoding="ascii"))
    except OSError:
        return None


def parse_pressure(text: str) -> float | None:
    """`some avg10` of a pressure file as 0..1 (kernel.org, Documentation/accounting/psi)."""
    for line in text.splitlines():
        kind, *pairs = line.split()
        values = dict(pair.partition("=")[::2] for pair in pairs)
        if kind == "some" and "avg10" in values:
            return float(values["avg10"]) / 100
    return None
