"""The drawn plates are real enough for the reader that the agent uses."""

from __future__ import annotations

import pytest

from agent.camera.synthetic.lens import Lens
from agent.camera.synthetic.renderer import Renderer
from agent.camera.synthetic.schedule import passage, vehicles
from agent.camera.synthetic.settings import Daylight, SyntheticSettings
from tests.extent import tries_everything
from vision.geometry import Box
from vision.plates.reader import EmbeddedPlateReader

SOME = 3


@pytest.mark.parametrize("night", [Daylight.DAY, Daylight.NIGHT])
def test_plates_are_read_from_pixels_alone(night: Daylight) -> None:
    """One look at each of some vehicles, half-way through its passage; one may be missed."""
    settings = SyntheticSettings(vehicles=6, seed=11, night=night)
    lens = Lens(width=settings.width, height=settings.height)
    renderer = Renderer(settings)
    reader = EmbeddedPlateReader(threads=2)
    run = list(vehicles(settings))
    right = 0
    looked_at = run if tries_everything() else run[:SOME]
    for vehicle in looked_at:
        truth = passage(vehicle, settings)
        frame = (truth.first_frame + truth.last_frame) // 2
        at_s = frame / settings.fps
        (x1, y1), (x2, y2) = (
            vehicle.plate_quad(lens, at_s).min(axis=0),
            vehicle.plate_quad(lens, at_s).max(axis=0),
        )
        around = Box(x1=x1, y1=y1, x2=x2, y2=y2).grown(x2 - x1, x2 - x1)
        picture = renderer.render(frame, [v for v in run if v.is_present(at_s)])
        right += truth.plate in [p.text for p in reader.read(picture, within=around).plates]
    assert right >= len(looked_at) - 1
