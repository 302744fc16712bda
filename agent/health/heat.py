"""Reads temperature and throttling: from the Raspberry Pi's firmware, otherwise from sysfs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from agent.health.machine import HeatFacts

ASK_S: Final = 2.0
_THERMAL: Final = Path("/sys/class/thermal")
_THROTTLED: Final = re.compile(r"throttled=0x([0-9a-fA-F]+)")


def look_at_heat(thermal: Path = _THERMAL, *, firmware_tool: str = "vcgencmd") -> HeatFacts:
    """The hottest zone in degrees Celsius, and the firmware's bits where its tool is installed."""
    return HeatFacts(temperature_c=_hottest_c(thermal), throttled=_throttled(firmware_tool))


def _hottest_c(thermal: Path) -> float | None:
    """`thermal_zone*/temp` is in thousandths (kernel.org, Documentation/driver-api/thermal)."""
    found: list[float] = []
    for zone in thermal.glob("thermal_zone*"):
        try:
            celsius = int((zone / "temp").read_text(encoding="ascii")) / 1000
        except (OSError, ValueError):
            continue  # a zone that is switched off answers with an error
        if -40 <= celsius <= 150:
            found.append(celsius)
    return max(found, default=None)


def _throttled(tool: str) -> int | None:
    path = shutil.which(tool)
    if path is None:
        return None
    try:
        said = subprocess.run(  # noqa: S603 - the firmware's own tool, by its full path
            [path, "get_throttled"], capture_output=True, text=True, timeout=ASK_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_throttled(said.stdout)


def parse_throttled(text: str) -> int | None:
    """The bits in `throttled=0x50005`; None where the tool says anything else."""
    found = _THROTTLED.search(text)
    return int(found[1], 16) if found else None
