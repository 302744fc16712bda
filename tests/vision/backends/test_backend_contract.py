"""What every backend promises, asked of each with the same small network.

The network gives the mean of each channel, and twice that. The Hailo one runs on a HailoRT that is
faked, as there is no such device here; the one on a graphics card skips where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.hailort import FakeHailoPlatform, FakeHef
from tests.vision.graphics_card import needs_card
from tests.vision.tiny_onnx import model, node
from vision.backends.backend import Backend, Tensor, warm_up
from vision.backends.hailo import HailoDevice
from vision.backends.onnx import OnnxBackend
from vision.backends.opencv import OpenCvBackend
from vision.errors import ModelError, ModelFailed

SIDE = 8


def means_file() -> bytes:
    return model(
        [
            node("GlobalAveragePool", ["pixels"], ["mean"]),
            node("Add", ["mean", "mean"], ["double"]),
        ],
        inputs={"pixels": [1, 3, SIDE, SIDE]},
        outputs={"mean": [1, 3, 1, 1], "double": [1, 3, 1, 1]},
        metadata={"labels": "a,b"},
    )


def _means(frame: np.ndarray) -> Mapping[str, np.ndarray]:
    mean = frame.astype(np.float32).mean(axis=(0, 1)).reshape(1, 1, 3)
    return {"mean": mean, "double": mean * 2}


def _onnx(folder: Path) -> Backend:
    return OnnxBackend.from_file("means", folder / "means.onnx", threads=1)


def _cuda(folder: Path) -> Backend:
    return OnnxBackend.from_file("means", folder / "means.onnx", threads=1, providers=("cuda",))


def _opencv(folder: Path) -> Backend:
    return OpenCvBackend.from_file("means", folder / "means.onnx")


def _hailo(folder: Path) -> Backend:
    shapes = {"mean": (1, 1, 3), "double": (1, 1, 3)}
    hef = FakeHef(input_shape=(SIDE, SIDE, 3), output_shapes=shapes, infer=_means)
    device = HailoDevice(FakeHailoPlatform({"means.onnx": hef}))
    return device.load("means", folder / "means.onnx")


MAKERS: Mapping[str, Callable[[Path], Backend]] = {
    "onnx": _onnx,
    "cuda": _cuda,
    "opencv": _opencv,
    "hailo": _hailo,
}
DEVICES = {"onnx": "cpu", "cuda": "cuda", "opencv": "cpu", "hailo": "hailo"}
NAMES = [
    pytest.param(name, marks=[pytest.mark.hardware, needs_card] if name == "cuda" else [])
    for name in MAKERS
]


@pytest.fixture(params=NAMES)
def maker(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def backend(maker: str, tmp_path: Path) -> Backend:
    (tmp_path / "means.onnx").write_bytes(means_file())
    return MAKERS[maker](tmp_path)


def pixels(seed: int = 0) -> Tensor:
    values = np.random.default_rng(seed).integers(0, 256, size=(1, 3, SIDE, SIDE))
    return values.astype(np.float32)


def test_facts_of_the_network_are_told(backend: Backend, maker: str) -> None:
    assert backend.name == "means"
    assert backend.device == DEVICES[maker]
    assert backend.input_shape[1:] == (3, SIDE, SIDE)
    assert backend.input_shape[0] in (1, None)
    assert backend.output_names == ("mean", "double")
    assert backend.metadata in ({}, {"labels": "a,b"})


def test_outputs_come_in_the_order_of_their_names(backend: Backend) -> None:
    batch = pixels()
    mean, double = backend.run(batch)
    assert mean.dtype == double.dtype == np.float32
    assert mean.ravel() == pytest.approx(batch.mean(axis=(0, 2, 3)), rel=1e-5)
    assert double.ravel() == pytest.approx(2 * mean.ravel(), rel=1e-5)


def test_input_that_is_a_view_is_taken_and_left_as_it_is(backend: Backend) -> None:
    upright = pixels()
    turned = upright.transpose(0, 1, 3, 2)
    before = turned.copy()
    assert backend.run(turned)[0].ravel() == pytest.approx(backend.run(upright)[0].ravel())
    assert np.array_equal(turned, before)


def test_outputs_belong_to_the_caller(backend: Backend) -> None:
    kept = backend.run(pixels(1))[0]
    before = kept.copy()
    other = backend.run(pixels(2))[0]
    assert np.array_equal(kept, before)
    assert not np.array_equal(kept, other)


@pytest.mark.parametrize("shape", [(1, 3, SIDE, 1), (1, 1, SIDE, SIDE), (3, SIDE, SIDE)])
def test_input_of_another_shape_names_model_and_shape(
    backend: Backend, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ModelFailed, match=r"(?s)model means.*\(.*8.*takes"):
        backend.run(np.zeros(shape, dtype=np.float32))
    assert backend.run(pixels())[0].size == 3


def test_closed_network_says_so(backend: Backend) -> None:
    backend.close()
    backend.close()
    with pytest.raises(ModelFailed, match="model means: it was closed"):
        backend.run(pixels())


def test_warming_up_leaves_it_usable(backend: Backend) -> None:
    warm_up(backend)
    assert backend.run(pixels())[0].size == 3


def test_missing_file_is_named(maker: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model means: .*means\.onnx"):
        MAKERS[maker](tmp_path)


@pytest.mark.parametrize("name", [name for name in NAMES if name.values != ("hailo",)])
def test_damaged_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "means.onnx").write_bytes(means_file()[:60])
    with pytest.raises(ModelFailed, match="model means"):
        MAKERS[name](tmp_path)
