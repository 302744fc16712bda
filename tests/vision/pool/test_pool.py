"""The pool never holds more than its budget, and a network let go comes back when it is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.vision.tiny_onnx import constant_outputs
from vision.backends.backend import Backend, Tensor
from vision.backends.onnx import OnnxBackend
from vision.errors import ModelDoesNotFit, ModelFailed
from vision.pool.budget import Budget, Priority
from vision.pool.pool import ModelPool, ModelRequest, PooledBackend

FILE = constant_outputs([1, 3, 2, 2], {"answer": np.array([42.0])})
BATCH = np.zeros((1, 3, 2, 2), dtype=np.float32)


class Clock:
    """Moves on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1
        return self.now_s


def loader(name: str) -> Callable[[], Backend]:
    return lambda: OnnxBackend(name, FILE, threads=1)


def wanted(name: str, size: int, priority: Priority = Priority.MEDIUM) -> ModelRequest:
    return ModelRequest(name=name, device="cpu", size=size, priority=priority)


def pool_of(capacity: int) -> ModelPool:
    return ModelPool([Budget(device="cpu", capacity=capacity)], clock=Clock())


def names(pool: ModelPool) -> list[str]:
    return [one.name for one in pool.allocations()]


def test_network_let_go_is_loaded_again_for_the_next_run() -> None:
    pool = pool_of(100)
    first = pool.open(wanted("first", 60), loader("first"))
    pool.open(wanted("second", 60), loader("second"))
    assert names(pool) == ["second"]
    assert first.run(BATCH)[0] == pytest.approx([42.0])
    assert names(pool) == ["first"]
    assert first.input_shape == (1, 3, 2, 2)
    assert first.output_names == ("answer",)


def test_more_important_network_is_not_displaced() -> None:
    pool = pool_of(100)
    pool.open(wanted("plates", 60, Priority.CRITICAL), loader("plates"))
    with pytest.raises(ModelDoesNotFit, match=r"model faces needs .*plates"):
        pool.open(wanted("faces", 60), loader("faces"))
    assert names(pool) == ["plates"]


def test_network_that_runs_stays() -> None:
    started, may_end = threading.Event(), threading.Event()

    class Slow(OnnxBackend):
        def run(self, batch: Tensor) -> Sequence[Tensor]:
            started.set()
            assert may_end.wait(30)
            return super().run(batch)

    pool = pool_of(100)
    slow = pool.open(wanted("slow", 60, Priority.LOW), lambda: Slow("slow", FILE, threads=1))
    worker = threading.Thread(target=slow.run, args=(BATCH,))
    worker.start()
    assert started.wait(30)
    (allocation,) = pool.allocations()
    assert allocation.is_busy
    with pytest.raises(ModelDoesNotFit, match="busy"):
        pool.open(wanted("other", 60, Priority.CRITICAL), loader("other"))
    may_end.set()
    worker.join(30)
    pool.open(wanted("other", 60, Priority.CRITICAL), loader("other"))
    assert names(pool) == ["other"]


def test_what_is_opened_twice_is_loaded_once_and_closed_by_the_last() -> None:
    pool = pool_of(100)
    first, second = (pool.open(wanted("a", 60), loader("a")) for _ in range(2))
    assert names(pool) == ["a"]
    first.close()
    first.close()
    with pytest.raises(ModelFailed, match="closed"):
        first.run(BATCH)
    assert second.run(BATCH)
    second.close()
    assert names(pool) == []


def test_what_is_shared_is_as_important_as_to_the_one_who_needs_it_most() -> None:
    pool = pool_of(100)
    pool.open(wanted("shared", 60, Priority.LOW), loader("shared"))
    pool.open(wanted("shared", 60, Priority.CRITICAL), loader("shared"))
    pool.open(wanted("shared", 60, Priority.LOW), loader("shared"))
    (allocation,) = pool.allocations()
    assert allocation.priority is Priority.CRITICAL


@pytest.mark.parametrize("what", ["handle", "pool"])
def test_what_is_closed_while_it_runs_is_let_go_when_the_run_ends(what: str) -> None:
    started, may_end, closed = threading.Event(), threading.Event(), threading.Event()

    class Slow(OnnxBackend):
        def run(self, batch: Tensor) -> Sequence[Tensor]:
            started.set()
            assert may_end.wait(30)
            return super().run(batch)

        def close(self) -> None:
            super().close()
            closed.set()

    pool = pool_of(100)
    slow = pool.open(wanted("slow", 60), lambda: Slow("slow", FILE, threads=1))
    with ThreadPoolExecutor(1) as worker:
        running = worker.submit(slow.run, BATCH)
        assert started.wait(30)
        (slow if what == "handle" else pool).close()
        assert not closed.is_set()
        may_end.set()
        assert running.result(30)[0] == pytest.approx([42.0])
    assert closed.is_set()
    assert names(pool) == []


def test_handles_of_a_closed_pool_close_quietly_and_touch_no_later_network() -> None:
    pool = pool_of(100)
    old = pool.open(wanted("one", 60), loader("one"))
    pool.close()
    new = pool.open(wanted("one", 60), loader("one"))
    with pytest.raises(ModelFailed, match="it was closed"):
        old.run(BATCH)
    old.close()
    assert new.run(BATCH)[0] == pytest.approx([42.0])
    assert names(pool) == ["one"]


def test_load_that_fails_takes_no_memory() -> None:
    def broken() -> Backend:
        raise ModelFailed("model a: damaged")

    pool = pool_of(100)
    with pytest.raises(ModelFailed, match="damaged"):
        pool.open(wanted("a", 60), broken)
    assert names(pool) == []
    assert pool.open(wanted("a", 60), loader("a")).run(BATCH)


def test_fallback_to_the_processor_counts_there() -> None:
    budgets = [Budget(device=device, capacity=100) for device in ("cuda", "cpu")]
    pool = ModelPool(budgets, clock=Clock())
    request = ModelRequest(name="a", device="cuda", size=60, priority=Priority.HIGH)
    assert pool.open(request, loader("a")).device == "cpu"
    assert [(one.device, one.used) for one in pool.usage()] == [("cuda", 0), ("cpu", 60)]
    with pytest.raises(ModelDoesNotFit):
        pool.open(
            ModelRequest(name="b", device="cuda", size=60, priority=Priority.LOW), loader("b")
        )
    assert [one.used for one in pool.usage()] == [0, 60]


def test_device_without_budget_is_named() -> None:
    with pytest.raises(ModelFailed, match="no memory is set apart on hailo, only on cpu"):
        pool_of(100).open(
            ModelRequest(name="a", device="hailo", size=1, priority=Priority.LOW), loader("a")
        )


def test_idle_networks_go_when_it_is_nearly_full() -> None:
    clock = Clock()
    pool = ModelPool([Budget(device="cpu", capacity=100)], clock=clock)
    pool.open(wanted("old", 50), loader("old"))
    clock.now_s += 120
    pool.open(wanted("new", 45), loader("new"))
    assert names(pool) == ["new"]
    assert pool.clean_up() == ()


def test_clean_up_does_not_wait_for_a_network_that_hangs_while_it_is_loaded() -> None:
    pool = pool_of(100)
    begun, goes_on = threading.Event(), threading.Event()

    def hanging() -> Backend:
        begun.set()
        goes_on.wait(30)
        return loader("slow")()

    with ThreadPoolExecutor(2) as threads:
        opening = threads.submit(pool.open, wanted("slow", 45), hanging)
        try:
            assert begun.wait(10)
            assert threads.submit(pool.clean_up).result(5) == ()
            assert not opening.done()
        finally:
            goes_on.set()
        opening.result(10)
    assert names(pool) == ["slow"]


def test_it_tells_how_busy_and_how_full_it_is() -> None:
    pool = pool_of(100)
    backend = pool.open(wanted("a", 95, Priority.HIGH), loader("a"))
    backend.run(BATCH)
    (allocation,) = pool.allocations()
    assert (allocation.device, allocation.size, allocation.runs) == ("cpu", 95, 1)
    assert 0 < allocation.busy_share < 1
    assert not allocation.is_busy
    (usage,) = pool.usage()
    assert usage.is_high
    pool.close()
    pool.close()
    assert pool.allocations() == ()


class _Counted(OnnxBackend):
    """Counts what is really in memory, apart from the pool's own books."""

    def __init__(self, name: str, size: int, held: dict[int, int]) -> None:
        super().__init__(name, FILE, threads=1)
        self._held = held
        held[id(self)] = size

    def close(self) -> None:
        super().close()
        self._held.pop(id(self), None)


class AnyUse(RuleBasedStateMachine):
    """Networks of all sizes and priorities, opened, run and closed in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[int, int] = {}
        self.pool = pool_of(100)
        self.open: list[PooledBackend] = []

    @rule(
        name=st.sampled_from("abcdef"),
        size=st.integers(1, 120),
        priority=st.sampled_from(Priority),
    )
    def open_one(self, name: str, size: int, priority: Priority) -> None:
        label = f"{name}{size}{priority.name}"
        request = wanted(label, size, priority)
        try:
            backend = self.pool.open(request, lambda: _Counted(label, size, self.held))
        except ModelDoesNotFit:
            return
        self.open.append(backend)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def run_one(self, data: st.DataObject) -> None:
        backend = data.draw(st.sampled_from(self.open))
        try:
            assert backend.run(BATCH)[0] == pytest.approx([42.0])
        except ModelDoesNotFit:
            assert self.pool.usage()[0].used > 0

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def close_one(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.open) - 1))
        self.open.pop(index).close()

    @rule()
    def clean_up(self) -> None:
        self.pool.clean_up()

    @invariant()
    def budget_holds(self) -> None:
        (usage,) = self.pool.usage()
        assert sum(self.held.values()) == usage.used <= 100

    def teardown(self) -> None:
        self.pool.close()
        assert not self.held


AnyUse.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestAnyUse = AnyUse.TestCase
