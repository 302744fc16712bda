"""Networks come by name, checked and through the pool, from whatever runs them."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.hailort import FakeHailoPlatform, FakeHef
from tests.vision.own_models import entry, write_manifest
from tests.vision.tiny_onnx import constant_outputs
from vision.backends.hailo_share import HailoShare
from vision.errors import AcceleratorFailed, ModelDoesNotFit, ModelFailed, ModelMissing
from vision.networks import Networks, NetworkSettings
from vision.pool.budget import Budget, Priority
from vision.pool.pool import ModelPool

FILE = constant_outputs([1, 3, 2, 2], {"answer": np.array([7.0])})
BATCH = np.zeros((1, 3, 2, 2), dtype=np.float32)
SEVEN = FakeHef(
    input_shape=(2, 2, 3),
    output_shapes={"answer": (1,)},
    infer=lambda frame: {"answer": np.array([7.0], dtype=np.float32)},
)


def own_models(folder: Path) -> Path:
    """A folder with the tiny network as `seven` and as `seven-hef`."""
    entries = []
    for name, path, form in (("seven", "seven.onnx", "onnx"), ("seven-hef", "seven.hef", "hef")):
        (folder / path).write_bytes(FILE)
        entries.append(entry(name, FILE, path=path, form=form, pixels="3x2x2 bgr 0..255"))
    write_manifest(folder, *entries)
    return folder


def test_network_is_opened_by_name_and_counted(tmp_path: Path) -> None:
    networks = Networks(NetworkSettings(models_folder=own_models(tmp_path), threads=1))
    backend = networks.open("seven", priority=Priority.HIGH)
    assert backend.run(BATCH)[0] == pytest.approx([7.0])
    (allocation,) = networks.pool.allocations()
    assert (allocation.name, allocation.device) == ("seven", "cpu")
    assert allocation.size == networks.entry("seven").needed_bytes
    networks.close()
    assert networks.pool.allocations() == ()


def test_opencv_runs_the_same_file(tmp_path: Path) -> None:
    settings = NetworkSettings(models_folder=own_models(tmp_path), runtime="opencv")
    assert Networks(settings).open("seven").run(BATCH)[0] == pytest.approx([7.0])


def test_hef_runs_on_the_one_accelerator(tmp_path: Path) -> None:
    platform = FakeHailoPlatform({"seven.hef": SEVEN})
    settings = NetworkSettings(models_folder=own_models(tmp_path))
    networks = Networks(settings, hailo=HailoShare(lambda: platform))
    assert not platform.is_owned
    backend = networks.open("seven-hef")
    assert backend.device == "hailo"
    assert backend.run(BATCH)[0].ravel() == pytest.approx([7.0])
    (allocation,) = networks.pool.allocations()
    assert (allocation.device, allocation.size) == ("hailo", 1)
    networks.close()
    assert not platform.is_owned


def test_missing_accelerator_is_told(tmp_path: Path) -> None:
    def none_here() -> Any:
        raise AcceleratorFailed("HailoRT is not installed")

    networks = Networks(
        NetworkSettings(models_folder=own_models(tmp_path)), hailo=HailoShare(none_here)
    )
    with pytest.raises(AcceleratorFailed, match="not installed"):
        networks.open("seven-hef")
    assert networks.pool.allocations() == ()


def test_fetched_file_that_changed_is_not_loaded(tmp_path: Path) -> None:
    folder = own_models(tmp_path)
    (folder / "seven.onnx").write_bytes(FILE + b"\0")
    with pytest.raises(ModelFailed, match="sha256"):
        Networks(NetworkSettings(models_folder=folder)).open("seven")


def test_model_that_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
    networks = Networks(NetworkSettings(models_folder=tmp_path))
    assert not networks.is_here("yunet-2023mar")
    assert networks.is_here("pp-ocrv6-det-small")
    with pytest.raises(ModelMissing, match="agent models fetch yunet-2023mar"):
        networks.open("yunet-2023mar")


def test_cascade_is_no_network(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match="cascade is no network"):
        Networks().open("opencv-frontalface")


def test_network_larger_than_the_budget_is_refused(tmp_path: Path) -> None:
    pool = ModelPool([Budget(device="cpu", capacity=1000)])
    networks = Networks(NetworkSettings(models_folder=own_models(tmp_path)), pool=pool)
    with pytest.raises(ModelDoesNotFit, match="model seven needs"):
        networks.open("seven")


def test_provider_that_is_not_built_in_is_told_and_the_processor_serves(tmp_path: Path) -> None:
    settings = NetworkSettings(models_folder=own_models(tmp_path), providers=("coreml",))
    networks = Networks(settings)
    assert networks.notices == ("this onnxruntime has no coreml: models run on cpu",)
    assert networks.open("seven").device == "cpu"


def test_card_whose_libraries_are_missing_is_told_and_the_processor_serves(tmp_path: Path) -> None:
    """Before its memory is asked for: a card that runs nothing has no budget."""
    networks = Networks(
        NetworkSettings(models_folder=own_models(tmp_path), providers=("cuda", "cpu")),
        built_in=["CUDAExecutionProvider", "CPUExecutionProvider"],
        fault=lambda name: "libcublas.so.13: cannot open shared object file",
    )
    (notice,) = networks.notices
    assert notice.startswith("cuda cannot be used here (libcublas.so.13")
    assert notice.endswith("models run on cpu")
    assert networks.open("seven").device == "cpu"
    assert {one.device for one in networks.pool.usage()} == {"cpu", "hailo"}


def test_file_can_be_changed_before_it_is_loaded(tmp_path: Path) -> None:
    other = constant_outputs([1, 3, 2, 2], {"answer": np.array([8.0])})
    networks = Networks(NetworkSettings(models_folder=own_models(tmp_path)))
    backend = networks.open("seven", prepare=lambda model: other)
    assert backend.run(BATCH)[0] == pytest.approx([8.0])


def test_dropped_networks_give_their_memory_back_without_a_collection_of_garbage() -> None:
    networks = Networks()
    backend = networks.open("pp-ocrv6-rec-small")
    pool = weakref.ref(networks.pool)
    gc.disable()
    try:
        del networks, backend
        assert pool() is None
    finally:
        gc.enable()
