"""Networks answer as ever, and every run is counted, also of one that fails."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vision.tiny_onnx import model, node
from vision.backends.onnx import OnnxBackend
from vision.errors import ModelFailed
from vision.metering import MeteredBackend
from vision.networks import Networks, NetworkSettings
from vision.performance import Kind, Performance

MODEL = "pp-ocrv6-det-small"


def test_a_metered_network_is_the_network_and_its_runs_are_counted() -> None:
    networks = Networks(NetworkSettings(threads=1))
    plain = networks.open(MODEL)
    ticks = iter(range(100))
    performance = Performance(lambda: next(ticks) / 1000)
    backend = MeteredBackend(plain, performance)
    for fact in ("name", "device", "input_shape", "output_names", "metadata"):
        assert getattr(backend, fact) == getattr(plain, fact)
    batch = np.zeros((1, 3, 64, 64), dtype=np.float32)
    assert np.array_equal(backend.run(batch)[0], plain.run(batch)[0])
    with pytest.raises(ModelFailed):
        backend.run(np.zeros((1, 5, 64, 64), dtype=np.float32))
    backend.close()
    with pytest.raises(ModelFailed):
        plain.run(batch)
    figures = performance.figures(Kind.MODEL)[MODEL]
    assert (figures.count, figures.success_rate, figures.mean_ms) == (2, 0.5, pytest.approx(1.0))
    assert figures.last_error is not None
    assert "ModelFailed" in figures.last_error
    networks.close()


def test_every_network_that_is_opened_is_metered() -> None:
    networks = Networks(NetworkSettings(threads=1))
    before = networks.performance.figures(Kind.MODEL).get(MODEL)
    networks.open(MODEL).run(np.zeros((1, 3, 64, 64), dtype=np.float32))
    after = networks.performance.figures(Kind.MODEL)[MODEL]
    assert after.count == (before.count if before else 0) + 1
    assert after.min_ms > 0
    networks.close()


def test_an_answer_that_is_no_number_is_a_failure() -> None:
    """A detector would find nothing in it, and a reader be sure of a letter."""
    root = model([node("Sqrt", ["x"], ["y"])], inputs={"x": [1, 4]}, outputs={"y": [1, 4]})
    performance = Performance(float)
    backend = MeteredBackend(OnnxBackend("root", root, threads=1), performance)
    assert backend.run(np.full((1, 4), 4, np.float32))[0].tolist() == [[2, 2, 2, 2]]
    with pytest.raises(ModelFailed, match=r"model root: .* no number"):
        backend.run(np.array([[4, 4, -1, 4]], np.float32))
    assert performance.figures(Kind.MODEL)["root"].success_rate == 0.5
