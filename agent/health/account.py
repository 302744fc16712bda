"""The camera's account of its rows, as it travels with every health check. Facts in, texts out.

The centre's *nothing missing* page is made from it: wire/README.md, "What a camera says of itself".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

MOST_RANGES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """captured = acknowledged + waiting + refused + evicted, of the present database.

    `refused_sequences` are numbers of rows that the server refused, ascending; `offset_s` is the
    server's time less ours; `throttled` as in `HeatFacts`.
    """

    captured: int
    acknowledged: int
    waiting: int
    refused: int
    evicted: int
    last_sequence: int
    refused_sequences: tuple[int, ...] = ()
    oldest_waiting_at: datetime | None = None
    offset_s: float | None = None
    throttled: int | None = None

    def as_message(self) -> dict[str, str]:
        """Keys of `system_info`; what is not known is left out."""
        said = {
            "rows_captured": str(self.captured),
            "rows_acknowledged": str(self.acknowledged),
            "rows_waiting": str(self.waiting),
            "rows_refused": str(self.refused),
            "rows_evicted": str(self.evicted),
            "last_sequence": str(self.last_sequence),
        }
        if self.refused_sequences:
            said["refused_sequences"] = ranges(self.refused_sequences)
        if self.oldest_waiting_at is not None:
            said["oldest_waiting_at"] = self.oldest_waiting_at.isoformat()
        if self.offset_s is not None:
            said["clock_offset_s"] = f"{self.offset_s:.3f}"
        if self.throttled is not None:
            said["throttled"] = f"0x{self.throttled:x}"
        return said


def ranges(numbers: Iterable[int]) -> str:
    """Such as "3-5,9", of ascending numbers; the last MOST_RANGES of them."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    texts = [f"{first}-{last}" if last > first else f"{first}" for first, last in found]
    return ",".join(texts[-MOST_RANGES:])
