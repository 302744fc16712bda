"""The pipeline with the real reader on the rendered road: pixels in, known truth to compare."""

from __future__ import annotations

import json

import pytest

from agent.camera.synthetic.settings import parse_settings
from agent.camera.synthetic.source import SyntheticSource
from agent.pipeline.runner import Pipeline
from agent.pipeline.sighting import PlateSighting
from tests.extent import tries_everything
from vision.plates.reader import EmbeddedPlateReader

VEHICLES = "6" if tries_everything() else "3"


@pytest.fixture(scope="module")
def reader() -> EmbeddedPlateReader:
    return EmbeddedPlateReader()


@pytest.mark.parametrize("night", ["0", "1"] if tries_everything() else ["1"])
def test_every_vehicle_is_one_sighting_with_its_plate(
    reader: EmbeddedPlateReader, night: str
) -> None:
    source = SyntheticSource(parse_settings({"vehicles": VEHICLES, "seed": "1", "night": night}))
    pipeline, found = Pipeline(reader=reader), list[tuple[float, PlateSighting]]()
    frame = None
    with source:
        while (frame := source.read(1.0)) is not None:
            at_s = frame.at_s
            found += [(at_s, s) for s in pipeline.process(frame) if isinstance(s, PlateSighting)]
    assert pipeline.finish() == []
    truth = {passage.plate: passage for passage in source.truth()}
    assert sorted(s.plate for _, s in found) == sorted(truth)
    for at_s, sighting in found:
        passage = truth[sighting.plate]
        assert sighting.direction == passage.direction
        assert at_s - passage.last_frame / 10 <= 1.0
        assert len(json.dumps(sighting.evidence)) < 8192
