"""What the networks take counts in every set that is in use, that of a left pipeline too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from agent.network_sets import NetworkSets
from tests.fakes.hailort import FakeHailoPlatform, FakeHef
from tests.vision.own_models import entry, write_manifest
from tests.vision.tiny_onnx import constant_outputs
from vision.backends.backend import Backend, NetworkFacts, StatedNetwork, Tensor
from vision.backends.hailo_share import HailoShare
from vision.backends.onnx import OnnxBackend
from vision.networks import Networks, NetworkSettings
from vision.pool.budget import Budget, Priority
from vision.pool.pool import ModelPool, ModelRequest

FILE = constant_outputs([1, 3, 2, 2], {"answer": np.array([7.0])})
BATCH = np.zeros((1, 3, 2, 2), dtype=np.float32)
REQUEST = ModelRequest(name="reader", device="cpu", size=60, priority=Priority.HIGH)


def sets() -> NetworkSets:
    return NetworkSets(lambda: Networks(pool=ModelPool([Budget(device="cpu", capacity=100)])))


def opened(networks: Networks) -> Backend:
    return networks.pool.open(REQUEST, lambda: OnnxBackend("reader", FILE, threads=1))


class Hanging(StatedNetwork):
    """Runs until it is let go."""

    def __init__(self) -> None:
        super().__init__(
            NetworkFacts(
                name="reader", device="cpu", input_shape=(1, 3, 2, 2), output_names=("answer",)
            )
        )
        self.is_running = threading.Event()
        self.goes_on = threading.Event()

    def run(self, batch: Tensor) -> tuple[Tensor, ...]:
        self.is_running.set()
        self.goes_on.wait()
        return (batch,)

    def close(self) -> None: ...


def test_a_renewed_pipelines_networks_count_beside_those_of_the_one_that_hangs() -> None:
    held, network = sets(), Hanging()
    hanging = held.first.pool.open(REQUEST, lambda: network)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(hanging.run, BATCH)
        network.is_running.wait()
        renewed = opened(held.another())
        assert [one.name for one in held.allocations()] == ["reader", "reader"]
        (usage,) = held.usage()
        assert (usage.device, usage.used, usage.capacity) == ("cpu", 120, 100)
        assert usage.is_high
        network.goes_on.set()
    renewed.close()


def test_what_nobody_runs_is_unloaded_before_another_set_and_loaded_again_when_it_is_run() -> None:
    held = sets()
    first = opened(held.first)
    renewed = opened(held.another())
    assert [one.used for one in held.usage()] == [60]
    assert first.run(BATCH)[0] == pytest.approx([7.0])
    assert [one.used for one in held.usage()] == [120]
    renewed.close()


def test_a_set_that_nobody_uses_any_more_counts_no_longer() -> None:
    held = sets()
    first = opened(held.first)
    renewed: Backend | None = opened(held.another())
    assert renewed is not None
    first.run(BATCH)
    assert held.usage()[0].used == 120
    renewed = None
    assert held.usage()[0].used == 60
    first.close()


def test_all_sets_are_closed() -> None:
    held = sets()
    kept = [opened(held.first), opened(held.another())]
    held.close()
    assert held.allocations() == ()
    assert len(kept) == 2


class OnAccelerator:
    """Sets whose network is a HEF file; `run` waits for `goes_on`."""

    def __init__(self, folder: Path) -> None:
        (folder / "seven.hef").write_bytes(FILE)
        write_manifest(
            folder, entry("seven", FILE, path="seven.hef", form="hef", pixels="3x2x2 bgr 0..255")
        )
        self.is_running, self.goes_on = threading.Event(), threading.Event()
        self.goes_on.set()
        hef = FakeHef(input_shape=(2, 2, 3), output_shapes={"answer": (1,)}, infer=self._infer)
        self.platform = FakeHailoPlatform({"seven.hef": hef})
        share = HailoShare(lambda: self.platform)
        settings = NetworkSettings(models_folder=folder, threads=1)
        self.sets = NetworkSets(lambda: Networks(settings, hailo=share))

    def _infer(self, frame: np.ndarray) -> dict[str, np.ndarray]:
        self.is_running.set()
        self.goes_on.wait()
        return {"answer": np.array([7.0], dtype=np.float32)}


def test_the_accelerator_is_given_back_before_a_renewed_pipeline_opens_it(tmp_path: Path) -> None:
    """A second virtual device is refused while there is one, and one that only fails stays bad."""
    there = OnAccelerator(tmp_path)
    failing = there.sets.first.open("seven")
    renewed = there.sets.another().open("seven")
    assert (there.platform.opened, there.platform.networks) == (2, 1)
    assert renewed.run(BATCH)[0].ravel() == pytest.approx([7.0])
    assert failing.run(BATCH)[0].ravel() == pytest.approx([7.0])
    assert (there.platform.opened, there.platform.networks) == (2, 2)
    there.sets.close()
    assert not there.platform.is_owned


def test_beside_a_pipeline_that_hangs_the_same_accelerator_is_used(tmp_path: Path) -> None:
    there = OnAccelerator(tmp_path)
    hanging = there.sets.first.open("seven")
    there.is_running.clear()
    there.goes_on.clear()
    with ThreadPoolExecutor(1) as thread:
        run = thread.submit(hanging.run, BATCH)
        there.is_running.wait()
        renewed_set = there.sets.another()
        there.goes_on.set()
        renewed = renewed_set.open("seven")
        run.result()
    assert renewed.run(BATCH)[0].ravel() == pytest.approx([7.0])
    assert (there.platform.opened, there.platform.networks) == (1, 2)


def test_networks_that_are_dropped_leave_the_accelerator(tmp_path: Path) -> None:
    there = OnAccelerator(tmp_path)
    renewed: Backend | None = there.sets.another().open("seven")
    assert renewed is not None
    assert there.platform.is_owned
    renewed = None
    assert not there.platform.is_owned
