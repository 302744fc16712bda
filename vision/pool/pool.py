"""Loads networks within the budgets, lets go of idle ones, and loads them again when needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from vision.backends.backend import Backend, StatedNetwork, Tensor, facts_of
from vision.errors import ModelFailed
from vision.pool.budget import (
    Allocation,
    Budget,
    Priority,
    Usage,
    plan_cleanup,
    plan_load,
    usage_of,
)

Loader = Callable[[], Backend]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A network that somebody wants: where, how large (see `Allocation.size`), how important."""

    name: str
    device: str
    size: int
    priority: Priority


@dataclass(slots=True)
class _Entry:
    request: ModelRequest
    load: Loader
    handles: int = 0
    users: int = 0
    backend: Backend | None = None
    loaded_s: float = 0.0
    last_used_s: float = 0.0
    busy_s: float = 0.0
    runs: int = 0
    running: threading.Lock = field(default_factory=threading.Lock)


class ModelPool:
    """Thread-safe. Two locks: `_books` for moments, `_loading` while networks come and go."""

    def __init__(
        self, budgets: Sequence[Budget], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` gives steady seconds."""
        self._budgets: Mapping[str, Budget] = {budget.device: budget for budget in budgets}
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._books = threading.Lock()
        self._loading = threading.Lock()

    def open(self, request: ModelRequest, load: Loader) -> PooledBackend:
        """The network, loaded now; who opens it again shares it, at the higher priority.

        Raises `ModelDoesNotFit`, and what `load` raises.
        """
        with self._books:
            entry = self._entries.setdefault(request.name, _Entry(request, load))
            entry.handles += 1
            priority = max(entry.request.priority, request.priority)
            entry.request = replace(entry.request, priority=priority)
        try:
            with self._using(entry) as backend:
                return PooledBackend(self, entry, backend)
        except BaseException:
            self.release(entry)
            raise

    def run(self, entry: _Entry, batch: Tensor) -> Sequence[Tensor]:
        """The outputs of an opened network, which is loaded again where it was let go."""
        if entry.handles <= 0:
            raise ModelFailed(f"model {entry.request.name}: it was closed; load it again")
        with self._using(entry) as backend, entry.running:
            began_s = self._clock()
            try:
                return backend.run(batch)
            finally:
                entry.runs += 1
                entry.busy_s += self._clock() - began_s

    def release(self, entry: _Entry) -> None:
        """One who opened the network needs it no more; the last one closes it, or the run that
        goes on then."""
        with self._loading:
            with self._books:
                entry.handles -= 1
                if entry.handles > 0:
                    return
                self._forget(entry)
                backend = _unused(entry)
            if backend is not None:
                backend.close()

    def allocations(self) -> tuple[Allocation, ...]:
        """What is loaded now, in the order in which it was first opened."""
        with self._books:
            return self._allocations()

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What each device may hold."""
        return tuple(self._budgets.values())

    def usage(self) -> tuple[Usage, ...]:
        """How full each device is."""
        loaded = self.allocations()
        return tuple(usage_of(budget, loaded) for budget in self._budgets.values())

    def clean_up(self) -> tuple[str, ...]:
        """Let go of what has been idle where a device is nearly full; the names that went.

        Nothing while a network is being loaded: that may hang, and cleans up at its end.
        """
        if not self._loading.acquire(blocking=False):
            return ()
        try:
            return self._cleaned()
        finally:
            self._loading.release()

    def let_go(self) -> None:
        """Unload what nobody runs at this moment; it is loaded again when it is run.

        Nothing while a network is being loaded, as `clean_up`.
        """
        if not self._loading.acquire(blocking=False):
            return
        try:
            with self._books:
                idle = [one.name for one in self._allocations() if not one.is_busy]
                backends = self._taken_out(idle)
            for backend in backends:
                backend.close()
        finally:
            self._loading.release()

    def close(self) -> None:
        """Let go of everything, of what runs when its run ends. May be repeated."""
        with self._loading:
            with self._books:
                entries = tuple(self._entries.values())
                for entry in entries:
                    entry.handles = 0
                self._entries.clear()
                backends = [_unused(entry) for entry in entries]
            for backend in backends:
                if backend is not None:
                    backend.close()

    @contextmanager
    def _using(self, entry: _Entry) -> Iterator[Backend]:
        """The loaded network, which stays while this is open."""
        backend = self._taken(entry)
        if backend is None:
            with self._loading:
                backend = self._taken(entry) or self._loaded(entry)
        try:
            yield backend
        finally:
            with self._books:
                entry.users -= 1
                entry.last_used_s = self._clock()
                left = _unused(entry) if entry.handles <= 0 else None
            if left is not None:
                left.close()

    def _forget(self, entry: _Entry) -> None:
        """Under `_books`; its name may have passed to another one after `close`."""
        if self._entries.get(entry.request.name) is entry:
            del self._entries[entry.request.name]

    def _taken(self, entry: _Entry) -> Backend | None:
        with self._books:
            if entry.backend is not None:
                entry.users += 1
            return entry.backend

    def _loaded(self, entry: _Entry) -> Backend:
        """Makes room, loads, and marks it as used. Under `_loading`."""
        self._make_room(entry.request)
        backend = entry.load()
        if backend.device != entry.request.device:
            # The runtime fell back to another device: that one has to have room for it.
            try:
                self._make_room(replace(entry.request, device=backend.device))
            except BaseException:
                backend.close()
                raise
            entry.request = replace(entry.request, device=backend.device)
        with self._books:
            entry.backend = backend
            entry.loaded_s = entry.last_used_s = self._clock()
            entry.busy_s, entry.runs = 0.0, 0
            entry.users += 1
        self._cleaned()
        return backend

    def _make_room(self, request: ModelRequest) -> None:
        budget = self._budgets.get(request.device)
        if budget is None:
            raise ModelFailed(
                f"model {request.name}: no memory is set apart on {request.device}, only on "
                f"{', '.join(self._budgets)}"
            )
        wanted = Allocation(
            name=request.name,
            device=request.device,
            size=request.size,
            priority=request.priority,
            last_used_s=self._clock(),
        )
        with self._books:
            backends = self._taken_out(plan_load(wanted, self._allocations(), budget))
        for backend in backends:
            backend.close()

    def _cleaned(self) -> tuple[str, ...]:
        with self._books:
            loaded = self._allocations()
            going = tuple(
                name
                for budget in self._budgets.values()
                for name in plan_cleanup(self._clock(), loaded, budget)
            )
            backends = self._taken_out(going)
        for backend in backends:
            backend.close()
        return going

    def _taken_out(self, names: Sequence[str]) -> list[Backend]:
        """The networks of these idle entries, which have none from now on. Under `_books`."""
        backends = [self._entries[name].backend for name in names]
        for name in names:
            self._entries[name].backend = None
        return [backend for backend in backends if backend is not None]

    def _allocations(self) -> tuple[Allocation, ...]:
        now_s = self._clock()
        return tuple(
            Allocation(
                name=name,
                device=entry.request.device,
                size=entry.request.size,
                priority=entry.request.priority,
                last_used_s=entry.last_used_s,
                is_busy=entry.users > 0,
                runs=entry.runs,
                busy_share=min(1.0, entry.busy_s / max(now_s - entry.loaded_s, 1e-9)),
            )
            for name, entry in self._entries.items()
            if entry.backend is not None
        )


def _unused(entry: _Entry) -> Backend | None:
    """Its network, taken out of it, unless it is in use."""
    if entry.users > 0:
        return None
    backend, entry.backend = entry.backend, None
    return backend


class PooledBackend(StatedNetwork):
    """One network of the pool, for one who opened it; see `Backend`."""

    def __init__(self, pool: ModelPool, entry: _Entry, backend: Backend) -> None:
        super().__init__(replace(facts_of(backend), name=entry.request.name))
        self._pool = pool
        self._entry = entry
        self._is_open = True

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        if not self._is_open:
            raise self._closed()
        return self._pool.run(self._entry, batch)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._pool.release(self._entry)
