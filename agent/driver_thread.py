"""One thread for calls into drivers that may hang: its owner waits with a timeout, or leaves."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
_NAME = "driver "


def threads_left_behind() -> tuple[str, ...]:
    """Names of driver threads that still run, and of others that the interpreter would wait for.

    Where there are any once everything is closed, end the process with `os._exit` after
    flushing: before Python 3.14 a driver that returns while the interpreter shuts down aborts
    the process, since its thread is unwound through C++ (python/cpython issue 87135).
    """
    return tuple(
        one.name
        for one in threading.enumerate()
        if one.name.startswith(_NAME) or not (one.daemon or one is threading.main_thread())
    )


class DriverThread:
    """Runs calls one after the other, in order.

    A daemon thread: a driver that never returns is left behind and does not keep the program
    from ending. The queue holds what its owner has submitted: at most one call and the clean-up.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=_NAME + name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queues a call; what it returns or raises arrives in the future."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                result = call()
            except Exception as error:  # noqa: BLE001 - handed to whoever waits for the future
                future.set_exception(error)
            else:
                future.set_result(result)

        self._calls.put(run)
        return future

    def leave(self) -> None:
        """Ends the thread after the calls already queued, without waiting for it."""
        self._calls.put(None)

    def finish(self, timeout_s: float) -> bool:
        """Ends the thread after the calls already queued; False when it hangs beyond the time."""
        self._calls.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
