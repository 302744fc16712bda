"""What a program settles for its process before anything large is read in."""

from __future__ import annotations

from telemetry.collecting import look_seldom
from telemetry.library_warnings import keep_quiet
from telemetry.products import multiply_on_one_thread


def settle() -> None:
    """Has to come before numpy is imported."""
    look_seldom()
    keep_quiet()
    multiply_on_one_thread()
