"""What the page needs of the running agent, as the composition root hands it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agent.camera.frame import Frame
from agent.pipeline.sighting import PlateInView
from agent.tuning import CameraOffer, Tuning
from telemetry.error_book import ErrorBook
from telemetry.metrics import Reading


class Switch(Protocol):
    """A part that an operator starts and stops while the agent runs.

    Both are safe to repeat; neither outlasts the agent: after a restart every part runs again.
    """

    @property
    def is_on(self) -> bool: ...

    async def start(self) -> bool:
        """False where it was on already."""

    async def stop(self) -> bool:
        """Returns once it has stopped; False where it was off already."""


class LiveView(Protocol):
    """The newest frame that the pipeline saw, and the plates in it. Safe from any thread."""

    def newest(self) -> tuple[Frame, Sequence[PlateInView]] | None:
        """None before the first frame."""


class HealthDesk(Protocol):
    """Results of the health checks."""

    async def check_now(self) -> Sequence[dict[str, Any]]:
        """Runs every check; each with `component`, `status` and `message`."""


class TuningDesk(Protocol):
    """The settings that are changed while the agent runs."""

    @property
    def current(self) -> Tuning:
        """What an operator has set; what is None is the environment's or the camera's own."""

    @property
    def effective(self) -> Tuning:
        """The same with the environment's values where nothing was set."""

    async def change(self, tuning: Tuning) -> None:
        """Puts it in force and keeps it. Raises TuningNotKept where it cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentParts:
    """`status` and `figures` may be called from any thread. `sender` is None where it is a process
    of its own.

    `spool` is the folder of pictures; nothing outside of it is ever served. `hides_people`: stored
    pictures are blurred, and the live one is to give nobody away either. `camera_offer`: what this
    camera takes from here, by the fields of `CameraTuning`.
    """

    status: Callable[[], dict[str, Any]]
    figures: Callable[[], Sequence[Reading]]
    errors: ErrorBook
    camera: Switch
    detection: Switch
    monitoring: Switch
    sender: Switch | None
    live: LiveView
    health: HealthDesk
    tuning: TuningDesk
    database: Path
    spool: Path
    hides_people: bool = False
    camera_offer: Callable[[], CameraOffer] = CameraOffer
