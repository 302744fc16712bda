"""What a program settles for its process before anything large is read in."""

from __future__ import annotations

from telemetry.collecting import look_seldom
from telemetry.library_warnings import keep_quiet
from telemetry.process_memory import keep_one_heap
from telemetry.products import multiply_on_one_thread


def settle() -> None:
    """Has to come before numpy is imported and before another thread is started."""
    look_seldom()
    keep_quiet()
    keep_one_heap()
    multiply_on_one_thread()
