"""The sets of networks that this process holds: the first, and one for each renewed pipeline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from weakref import WeakSet

from vision.networks import Networks
from vision.pool.budget import Allocation, Usage, usage_of
from vision.pool.pool import ModelPool


class NetworkSets:
    """Makes sets and sees all that are still in use. Thread-safe.

    A pipeline in another one's place has a set of its own: that of one that hangs is in use, and
    counts for as long as it is. A set that nobody uses any more is gone by itself, but for the
    first, which lasts. What no set runs is unloaded before another set is made: an accelerator
    is opened anew then, and memory is not taken twice.
    """

    def __init__(self, make: Callable[[], Networks]) -> None:
        self._make = make
        self._pools: WeakSet[ModelPool] = WeakSet()
        self._books = threading.Lock()
        self.first = self.another()

    def another(self) -> Networks:
        """One more set; raises an error of `vision.errors.ModelError`."""
        for pool in self._held():
            pool.let_go()
        networks = self._make()
        with self._books:
            self._pools.add(networks.pool)
        return networks

    def allocations(self) -> tuple[Allocation, ...]:
        """What is loaded in all of them; a network has an entry for each set that holds it."""
        return tuple(one for pool in self._held() for one in pool.allocations())

    def usage(self) -> tuple[Usage, ...]:
        """How full each device is, all sets together."""
        loaded = self.allocations()
        return tuple(usage_of(budget, loaded) for budget in self.first.pool.budgets)

    def clean_up(self) -> None:
        """In each set, as `ModelPool.clean_up`."""
        for pool in self._held():
            pool.clean_up()

    def close(self) -> None:
        """Gives everything back. May be repeated; hangs where a set does."""
        self.first.close()
        for pool in self._held():
            pool.close()

    def _held(self) -> tuple[ModelPool, ...]:
        with self._books:
            return tuple(self._pools)
