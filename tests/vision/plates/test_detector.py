"""Lines of text in whole pictures and parts, with the real network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.vision.plates.rendered import scene
from vision.backends.backend import Backend, StatedNetwork, Tensor, facts_of
from vision.backends.onnx import OnnxBackend
from vision.geometry import Box
from vision.manifest import locate, model_entry
from vision.plates.detector import TextDetector
from vision.plates.reader import DETECTOR_MODEL


class OnCard(StatedNetwork):
    """The processor's network, said to be on a card; remembers the shapes that it was given."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(replace(facts_of(backend), device="cuda"))
        self._backend = backend
        self.shapes: list[tuple[int, ...]] = []

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        self.shapes.append(batch.shape)
        return self._backend.run(batch)

    def close(self) -> None:
        self._backend.close()


@pytest.fixture(scope="module")
def network() -> OnnxBackend:
    path = locate(model_entry(DETECTOR_MODEL))
    return OnnxBackend.from_file(DETECTOR_MODEL, path, threads=2)


def test_a_card_is_given_few_shapes_and_finds_the_same_lines(network: OnnxBackend) -> None:
    card = OnCard(network)
    picture = scene(("RK 755AJ", 200, 220, 150))
    looks = [
        (480, None),
        (480, Box.from_xywh(100, 150, 300, 160)),
        (352, Box.from_xywh(150, 180, 250, 120)),
    ]
    for side, within in looks:
        (here,) = TextDetector(network).detect(picture, longer_side=side, within=within)
        (there,) = TextDetector(card).detect(picture, longer_side=side, within=within)
        assert [*sum(there.quad, ())] == pytest.approx([*sum(here.quad, ())], abs=4.0)
    assert set(card.shapes) == {(1, 3, 480, 480)}
