"""What the networks take counts in every set that is in use, that of a left pipeline too."""

from __future__ import annotations

import numpy as np

from agent.network_sets import NetworkSets
from tests.vision.tiny_onnx import constant_outputs
from vision.backends.backend import Backend
from vision.backends.onnx import OnnxBackend
from vision.networks import Networks
from vision.pool.budget import Budget, Priority
from vision.pool.pool import ModelPool, ModelRequest

FILE = constant_outputs([1, 3, 2, 2], {"answer": np.array([7.0])})
REQUEST = ModelRequest(name="reader", device="cpu", size=60, priority=Priority.HIGH)


def sets() -> NetworkSets:
    return NetworkSets(lambda: Networks(pool=ModelPool([Budget(device="cpu", capacity=100)])))


def opened(networks: Networks) -> Backend:
    return networks.pool.open(REQUEST, lambda: OnnxBackend("reader", FILE, threads=1))


def test_a_renewed_pipelines_networks_count_beside_those_of_the_one_that_hangs() -> None:
    held = sets()
    hanging = opened(held.first)
    renewed = opened(held.another())
    assert [one.name for one in held.allocations()] == ["reader", "reader"]
    (usage,) = held.usage()
    assert (usage.device, usage.used, usage.capacity, usage.is_high) == ("cpu", 120, 100, True)
    hanging.close()
    renewed.close()


def test_a_set_that_nobody_uses_any_more_counts_no_longer() -> None:
    held = sets()
    first = opened(held.first)
    renewed: Backend | None = opened(held.another())
    assert renewed is not None
    renewed = None
    assert held.usage()[0].used == 60
    first.close()


def test_all_sets_are_closed() -> None:
    held = sets()
    kept = [opened(held.first), opened(held.another())]
    held.close()
    assert held.allocations() == ()
    assert len(kept) == 2
