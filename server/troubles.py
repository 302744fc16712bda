"""Why parts beside the rows wait: alerts, MQTT and the stream say so of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from telemetry.catalogue import PART_WORKING
from telemetry.metrics import Reading


class Part(Protocol):
    """A part of the server that goes on by itself once it can."""

    @property
    def trouble(self) -> str | None:
        """Why it waits; None: it works."""
        ...


class Troubles:
    """Says nothing of what it was not told to look at: a process may have none of these parts."""

    def __init__(self) -> None:
        self._parts: dict[str, Part] = {}

    def look_at(self, parts: Mapping[str, Part]) -> None:
        """These are asked from now on, by their names."""
        self._parts.update(parts)

    def of_each(self) -> dict[str, str | None]:
        """Why each part waits; None: it works."""
        return {name: part.trouble for name, part in self._parts.items()}

    def readings(self) -> Iterator[Reading]:
        """For Prometheus."""
        for name, trouble in self.of_each().items():
            yield PART_WORKING.of(int(trouble is None), name)
