"""Shares as people read them."""

from __future__ import annotations


def percent(share: float) -> str:
    """`share` (0..1) in whole percent, and never rounded to all or to nothing: 0.996 is 99.6%."""
    tenths = 1000 * share
    if 995 <= tenths < 1000:
        return f"{int(tenths) / 10:.1f}%"
    if 0 < tenths <= 5:
        return f"{max(1, round(tenths)) / 10:.1f}%"
    return f"{share:.0%}"
