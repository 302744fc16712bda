"""A beginning and an end that Ctrl-C does not break: what was begun is ended, whatever comes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Generic, TypeVar

T = TypeVar("T")


class Unbroken(Generic[T]):
    """`begin` and `end` run as a whole: a Ctrl-C meanwhile is raised when `end` is through. Between
    them it is raised where it lands. `end` is called whatever came of `begin`. `hurry` should make
    either end soon: it is called on a Ctrl-C in the midst of `begin`, and on a second one later.

    The interpreter raises KeyboardInterrupt between any two instructions, in a `finally` too, and
    before the first one of `__exit__`; a generator as context manager is left as it stands then.
    Only Python's own handler is replaced meanwhile: another one, or a thread that is not the main
    one, has its own way with signals.
    """

    def __init__(
        self, begin: Callable[[], T], end: Callable[[], None], *, hurry: Callable[[], None]
    ) -> None:
        self._begin = begin
        self._end = end
        self._hurry = hurry
        self._is_beginning = False
        self._is_open = False
        self._was_interrupted = False
        self._was_raised = False
        self._is_in_place = False

    def __enter__(self) -> T:
        self._is_in_place = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        self._is_beginning = True
        if self._is_in_place:
            signal.signal(signal.SIGINT, self._interrupted)
        try:
            begun = self._begin()
            self._is_open = True  # no call from here to the caller's block but what is caught here
            if self._was_interrupted:
                raise KeyboardInterrupt
            return begun
        except BaseException:
            self._is_open = False
            self._finish()
            raise

    def __exit__(self, *_: object) -> None:
        self._is_open = False
        self._finish()

    def _finish(self) -> None:
        self._is_beginning = False
        try:
            self._end()
        finally:
            if self._is_in_place:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            if self._was_interrupted:
                raise KeyboardInterrupt

    def _interrupted(self, _: int, frame: FrameType | None) -> None:
        is_ending = frame is not None and frame.f_code is Unbroken.__exit__.__code__
        if self._is_open and not is_ending:
            self._was_raised = True
            raise KeyboardInterrupt
        is_second = self._was_raised or self._was_interrupted
        self._was_interrupted = True
        if self._is_beginning or is_second:
            self._hurry()
